#!/usr/bin/env bash
# Installs the peers that Sakuga is measured against into target/bench/venv.
#
# PyTorch's wheel for Linux may be a build for CUDA, whose libraries it wants
# when it is loaded though a run on the CPU calls none of them. They are
# gigabytes: where they are missing, empty stand-ins that only answer "failed"
# take their place.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv=target/bench/venv
python=$venv/bin/python

[ -x "$python" ] || python3 -m venv "$venv"
if ! cmp -s benches/requirements.txt "$venv/installed.txt"; then
  pip=("$venv/bin/pip" install --quiet --disable-pip-version-check)
  "${pip[@]}" -r <(grep -v '^torch==' benches/requirements.txt)
  "${pip[@]}" --no-deps "$(grep '^torch==' benches/requirements.txt)"
  cp benches/requirements.txt "$venv/installed.txt"
fi

lib=$("$python" -c 'import importlib.util as u, os; print(os.path.dirname(u.find_spec("torch").origin))')/lib
stubs=$PWD/$venv/stand-ins
if [ -e "$lib/libtorch_cuda.so" ] && [ ! -e "$stubs/done" ]; then
  rm -rf "$stubs" && mkdir -p "$stubs"
  objects=$(ls "$lib"/*.so* "$lib"/../_C*.so)
  # The symbols of CUDA's libraries that PyTorch names and does not have itself.
  nm -D --defined-only $objects 2>/dev/null | awk 'NF == 3 { sub(/@.*/, "", $3); print $3 }' | sort -u >"$stubs/own"
  nm -D --undefined-only $objects 2>/dev/null | awk '$1 == "U" { sub(/@.*/, "", $2); print $2 }' | sort -u |
    comm -23 - "$stubs/own" | grep -E '^(__cuda|cu[a-zA-Z]|p?nccl|nvrtc|nvshmem|nvJitLink)' >"$stubs/wanted"
  {
    echo .text
    sed 's/.*/.globl &\n.type &, @function\n&:/' "$stubs/wanted"
    printf '\tmovl $999, %%eax\n\tret\n.section .note.GNU-stack,"",@progbits\n'
  } >"$stubs/answers.S"
  readelf -d $objects | sed -n 's/.*NEEDED.*\[\(lib\(cu\|nccl\|nv\).*\)\]/\1/p' | sort -u | while read -r name; do
    [ -e "$lib/$name" ] && continue
    # A library and a version of its symbols have the same name, but for this one.
    case $name in libnvshmem*) version=NVSHMEM ;; *) version=$name ;; esac
    echo "$version { global: *; };" >"$stubs/version"
    cc -shared -nostdlib "-Wl,-soname,$name" "-Wl,--version-script=$stubs/version" -o "$stubs/$name" "$stubs/answers.S"
  done
  touch "$stubs/done"
fi

# Runs the venv's Python with what it needs to load PyTorch.
cat >"$venv/run" <<RUN
#!/bin/sh
export PYTHONDONTWRITEBYTECODE=1
export LD_LIBRARY_PATH="$stubs\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
exec "$PWD/$python" "\$@"
RUN
chmod +x "$venv/run"
"$venv/run" -c 'import onnxruntime, openvino, torch; print("PyTorch", torch.__version__, "· ONNX Runtime", onnxruntime.__version__, "· OpenVINO", openvino.__version__)'
