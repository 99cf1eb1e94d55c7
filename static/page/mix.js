// Between the looks: a point on a pad becomes a weight for each, and back.
//
// The looks are corners of a convex polygon, the weights Wachspress's
// generalised barycentric coordinates (1975): 1 at a look's own corner, 0 on the
// sides away from it, smooth between; on a square they are the bilinear ones.

/** Steps of a weight: fine enough for the eye, coarse enough to meet again. */
const STEP = 0.05;

/** The places of `count` looks, in 0..1 from the top left. */
export function corners(count) {
  if (count < 3) return [{ x: 0, y: 0.5 }, { x: 1, y: 0.5 }].slice(0, count);
  if (count === 4) return [{ x: 0, y: 0 }, { x: 1, y: 0 }, { x: 1, y: 1 }, { x: 0, y: 1 }];
  return Array.from({ length: count }, (_, at) => {
    const turn = (2 * Math.PI * at) / count;
    return { x: 0.5 + Math.sin(turn) / 2, y: 0.5 - Math.cos(turn) / 2 };
  });
}

/** Twice the area of a triangle, positive where it turns with the corners. */
const area = (a, b, c) => (b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y);

const along = (a, b, t) => ({ x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t });

function nearestOnSide(a, b, point) {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const t = ((point.x - a.x) * dx + (point.y - a.y) * dy) / (dx * dx + dy * dy);
  return along(a, b, Math.min(Math.max(t, 0), 1));
}

/** The point itself, or the nearest one among the looks. */
export function inside(places, point) {
  if (places.length < 2) return places[0];
  const sides = places.map((place, at) => [place, places[(at + 1) % places.length]]);
  if (places.length > 2 && sides.every(([a, b]) => area(a, b, point) >= 0)) return point;
  const distance = (near) => Math.hypot(near.x - point.x, near.y - point.y);
  return sides.map(([a, b]) => nearestOnSide(a, b, point)).sort((a, b) => distance(a) - distance(b))[0];
}

/** The weights at a point: one a look, in steps, with the sum 1. */
export function weightsAt(places, point) {
  const at = inside(places, point);
  const count = places.length;
  if (count === 1) return [1];
  if (count === 2) return rounded([1 - at.x, at.x]);
  const sides = places.map((place, i) => Math.max(area(place, places[(i + 1) % count], at), 0));
  const raw = places.map((place, i) => {
    const before = (i + count - 1) % count;
    const corner = area(places[before], place, places[(i + 1) % count]);
    return sides.reduce((product, side, j) => (j === i || j === before ? product : product * side), corner);
  });
  const sum = raw.reduce((a, b) => a + b, 0);
  return rounded(raw.map((weight) => weight / sum));
}

/** The largest weight takes what rounding leaves over. */
function rounded(weights) {
  const steps = weights.map((weight) => Math.round(weight / STEP));
  steps[steps.indexOf(Math.max(...steps))] += Math.round(1 / STEP) - steps.reduce((a, b) => a + b, 0);
  return steps.map((step) => Math.round(step * STEP * 100) / 100);
}

/** As the service writes it: `cel`, or `cel:0.7,gouache:0.3`. */
export function written(styles, weights) {
  const parts = styles.map((style, at) => [style, weights[at]]).filter(([, weight]) => weight > 0);
  return parts.length === 1 ? parts[0][0] : parts.map((part) => part.join(":")).join(",");
}
