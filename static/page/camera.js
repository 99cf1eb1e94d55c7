// A photo from the camera, in a dialog with what it sees.

import { Problem } from "./problem.js";

const $ = (id) => document.getElementById(id);
const QUALITY = 0.95;

export function startCamera(take, refuse) {
  let stream = null;
  let facing = "user";

  const look = async () => {
    rest();
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: facing, width: { ideal: 1920 }, height: { ideal: 1440 } } });
    $("viewfinder").srcObject = stream;
    // People know themselves from the mirror; the picture itself is not mirrored.
    $("viewfinder").classList.toggle("mirror", facing === "user");
    const devices = await navigator.mediaDevices.enumerateDevices();
    $("flip").hidden = devices.filter(({ kind }) => kind === "videoinput").length < 2;
  };

  const rest = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    $("viewfinder").srcObject = null;
  };

  /** Opens the dialog, or says why there is no camera. */
  const open = async () => {
    try {
      // Browsers offer no camera to pages from afar without HTTPS.
      if (!navigator.mediaDevices) throw new Error("no camera is offered to this page");
      await look();
      $("camera-dialog").showModal();
    } catch (error) {
      console.info(error);
      rest();
      refuse(new Problem("camera-refused"));
    }
  };

  const shoot = async () => {
    const seen = $("viewfinder");
    if (!seen.videoWidth) return;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [seen.videoWidth, seen.videoHeight];
    canvas.getContext("2d").drawImage(seen, 0, 0);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
    $("camera-dialog").close();
    if (blob) take([new File([blob], "camera.jpg", { type: "image/jpeg" })]);
  };

  $("camera").addEventListener("click", open);
  $("shutter").addEventListener("click", shoot);
  $("flip").addEventListener("click", () => {
    facing = facing === "user" ? "environment" : "user";
    look().catch(() => $("camera-dialog").close());
  });
  $("camera-cancel").addEventListener("click", () => $("camera-dialog").close());
  $("camera-dialog").addEventListener("close", rest);
}
