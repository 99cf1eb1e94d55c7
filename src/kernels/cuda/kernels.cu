// What the CUDA plan does before, after and between its convolutions, which convolve.cu has. NVRTC compiles both when the
// first plan is made; they include nothing, so that no header of CUDA need be there.
//
// Activations are bf16, channels last: (N, H + 2·around, W + 2·around, C), C a multiple of 16. A thread reads and writes
// eight channels of a pixel at once, 16 bytes. Sums are f32. The arguments are laid out as src/kernels/cuda/arguments.rs
// has them.

// A bf16 is the upper half of a float.
typedef unsigned short bf16;

__device__ float widened(unsigned half) { return __uint_as_float(half << 16); }

// To the nearest bf16, ties to even; NaN stays NaN.
__device__ unsigned narrowed(float value) {
    unsigned bits = __float_as_uint(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (bits >> 16) | 0x40u;
    return (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
}

__device__ void load(const bf16 *from, float *to) {
    uint4 packed = *(const uint4 *)from;
    unsigned pairs[4] = {packed.x, packed.y, packed.z, packed.w};
    for (int i = 0; i < 4; i++) {
        to[2 * i] = widened(pairs[i] & 0xffffu);
        to[2 * i + 1] = widened(pairs[i] >> 16);
    }
}

__device__ void store(bf16 *to, const float *from) {
    unsigned pairs[4];
    for (int i = 0; i < 4; i++) pairs[i] = narrowed(from[2 * i]) | narrowed(from[2 * i + 1]) << 16;
    uint4 packed;
    packed.x = pairs[0];
    packed.y = pairs[1];
    packed.z = pairs[2];
    packed.w = pairs[3];
    *(uint4 *)to = packed;
}

// Which row (or column) of `size` lies at `position` of those with `around` mirrored ones on each side. The border is
// not repeated; where the side is too short, its last row stands for what is not there.
__device__ unsigned mirrored(unsigned position, unsigned around, unsigned size) {
    int last = (int)size - 1, at = (int)position - (int)around;
    if (at < 0) return min(-at, last);
    if (at > last) return max(2 * last - at, 0);
    return at;
}

struct Photo {
    const float *photo; // (N, C, block · H, block · W)
    bf16 *out;          // (N, H + 2·around, W + 2·around, padded)
    unsigned batch, height, width, channels, padded, around, block, unused;
};
static_assert(sizeof(Photo) == 48, "as in arguments.rs");

// From the photo to activations, a pixel's channels being those of a block of the photo's: (channel, row, column). There
// are zeros in the channels that are too many.
extern "C" __global__ void photo(const Photo a) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned groups = a.padded / 8, width = a.width + 2 * a.around, height = a.height + 2 * a.around;
    if (i >= a.batch * height * width * groups) return;
    unsigned first = i % groups * 8, x = i / groups % width, y = i / groups / width % height;
    unsigned picture = i / groups / width / height;
    unsigned from_x = mirrored(x, a.around, a.width), from_y = mirrored(y, a.around, a.height);
    float values[8];
    for (unsigned k = 0; k < 8; k++) {
        unsigned c = (first + k) / a.block / a.block, dy = (first + k) / a.block % a.block, dx = (first + k) % a.block;
        size_t row = ((size_t)picture * a.channels + c) * a.height * a.block + from_y * a.block + dy;
        values[k] = c < a.channels ? a.photo[row * a.width * a.block + from_x * a.block + dx] : 0.0f;
    }
    store(a.out + (size_t)i * 8, values);
}

struct Moments {
    const bf16 *sum; // (N, pixels, C)
    float *partial;  // (N, chunks, C, 2)
    float *moments;  // (N, C, 2): mean, and 1 / sqrt(variance + epsilon)
    float epsilon;
    unsigned batch, pixels, channels, chunks, unused;
};
static_assert(sizeof(Moments) == 48, "as in arguments.rs");

// A chunk's sums and sums of squares, both of the differences from the picture's first pixel, which lies nearer to the
// mean than 0 does. A block is 32 channels × 8 rows of threads; blockIdx: channels / 32, chunk, picture.
extern "C" __global__ void partial_moments(const Moments a) {
    __shared__ float sums[8][32][2];
    unsigned lane = threadIdx.x, row = threadIdx.y, c = blockIdx.x * 32 + lane;
    unsigned chunk = blockIdx.y, picture = blockIdx.z;
    float sum = 0.0f, squares = 0.0f;
    if (c < a.channels) {
        size_t start = (size_t)picture * a.pixels * a.channels + c;
        float pivot = widened(a.sum[start]);
        unsigned each = (a.pixels + a.chunks - 1) / a.chunks;
        unsigned end = min((chunk + 1) * each, a.pixels);
        for (unsigned p = chunk * each + row; p < end; p += 8) {
            float value = widened(a.sum[start + (size_t)p * a.channels]) - pivot;
            sum += value;
            squares += value * value;
        }
    }
    sums[row][lane][0] = sum;
    sums[row][lane][1] = squares;
    __syncthreads();
    if (row > 0 || c >= a.channels) return;
    for (unsigned other = 1; other < 8; other++) {
        sum += sums[other][lane][0];
        squares += sums[other][lane][1];
    }
    float *out = a.partial + (((size_t)picture * a.chunks + chunk) * a.channels + c) * 2;
    out[0] = sum;
    out[1] = squares;
}

// The chunks' sums to means and deviations. Blocks as above; blockIdx: channels / 32, 0, picture.
extern "C" __global__ void whole_moments(const Moments a) {
    __shared__ float sums[8][32][2];
    unsigned lane = threadIdx.x, row = threadIdx.y, c = blockIdx.x * 32 + lane, picture = blockIdx.z;
    float sum = 0.0f, squares = 0.0f;
    if (c < a.channels) {
        for (unsigned chunk = row; chunk < a.chunks; chunk += 8) {
            const float *part = a.partial + (((size_t)picture * a.chunks + chunk) * a.channels + c) * 2;
            sum += part[0];
            squares += part[1];
        }
    }
    sums[row][lane][0] = sum;
    sums[row][lane][1] = squares;
    __syncthreads();
    if (row > 0 || c >= a.channels) return;
    for (unsigned other = 1; other < 8; other++) {
        sum += sums[other][lane][0];
        squares += sums[other][lane][1];
    }
    float off = sum / a.pixels, variance = squares / a.pixels - off * off;
    if (variance < 0.0f) variance = 0.0f;
    float *out = a.moments + ((size_t)picture * a.channels + c) * 2;
    out[0] = widened(a.sum[(size_t)picture * a.pixels * a.channels + c]) + off;
    out[1] = 1.0f / sqrtf(variance + a.epsilon);
}

// What becomes of a layer's sums.
struct End {
    const bf16 *residual; // with `residual_around` pixels around, or none
    bf16 *outputs[2];     // the second may be none
    const float *scale;   // (C), or none: the sums stay what they are
    const float *shift;   // (C)
    float slopes[2];      // of the outputs' rectifiers
};
static_assert(sizeof(End) == 48, "as in arguments.rs");

// Eight of a pixel's channels, from `channel` on, from sums to values; `residual` and `to` are where theirs lie.
__device__ void end(const End &end, float *values, unsigned channel, size_t residual, size_t to) {
    if (end.scale) {
        const float4 *scales = (const float4 *)(end.scale + channel), *shifts = (const float4 *)(end.shift + channel);
#pragma unroll
        for (int k = 0; k < 2; k++) {
            float4 scale = scales[k], shift = shifts[k];
            values[4 * k] = values[4 * k] * scale.x + shift.x;
            values[4 * k + 1] = values[4 * k + 1] * scale.y + shift.y;
            values[4 * k + 2] = values[4 * k + 2] * scale.z + shift.z;
            values[4 * k + 3] = values[4 * k + 3] * scale.w + shift.w;
        }
    }
    float more[8];
    if (end.residual) {
        load(end.residual + residual, more);
        for (int k = 0; k < 8; k++) values[k] += more[k];
    }
#pragma unroll
    for (int o = 0; o < 2; o++) {
        if (!end.outputs[o]) continue;
        for (int k = 0; k < 8; k++) more[k] = values[k] < 0.0f ? values[k] * end.slopes[o] : values[k];
        store(end.outputs[o] + to, more);
    }
}

struct Finish {
    const bf16 *sum;      // (N, H, W, C)
    const float *moments; // (N, C, 2), or none
    End end;
    unsigned batch, height, width, channels, around, residual_around;
};
static_assert(sizeof(Finish) == 88, "as in arguments.rs");

// A layer's sums to its values, with `around` pixels around. An output may lie where the sums lie when nothing is around
// it: each thread then writes what it alone has read.
extern "C" __global__ void finish(const Finish a) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned groups = a.channels / 8, width = a.width + 2 * a.around, height = a.height + 2 * a.around;
    if (i >= a.batch * height * width * groups) return;
    unsigned first = i % groups * 8, x = i / groups % width, y = i / groups / width % height;
    unsigned picture = i / groups / width / height;
    unsigned from_x = mirrored(x, a.around, a.width), from_y = mirrored(y, a.around, a.height);

    float values[8];
    load(a.sum + (((size_t)picture * a.height + from_y) * a.width + from_x) * a.channels + first, values);
    if (a.moments) {
        const float *moments = a.moments + ((size_t)picture * a.channels + first) * 2;
        for (int k = 0; k < 8; k++) values[k] = (values[k] - moments[2 * k]) * moments[2 * k + 1];
    }
    unsigned wide = a.width + 2 * a.residual_around, high = a.height + 2 * a.residual_around;
    size_t residual = (size_t)picture * high + from_y + a.residual_around;
    end(a.end, values, first, (residual * wide + from_x + a.residual_around) * a.channels + first, (size_t)i * 8);
}

struct Picture {
    const bf16 *values; // (N, H / block, W / block, padded)
    const float *photo; // (N, C, H, W), to which the values are added; or none: their hyperbolic tangent is drawn
    float *picture;     // (N, C, H, W)
    const float *colours; // (3, 4): factors of red, green and blue, and what is added; or none: the photo's own
    unsigned batch, height, width, channels, padded, block;
};
static_assert(sizeof(Picture) == 56, "as in arguments.rs");

// Into −1..1; unlike by fminf and fmaxf, NaN stays NaN.
__device__ float clamped(float value) { return value < -1.0f ? -1.0f : value > 1.0f ? 1.0f : value; }

// The last layer's values to the picture: channels (c, dy, dx) are the pixels of a block.
extern "C" __global__ void picture(const Picture a) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= a.batch * a.height * a.width) return;
    unsigned x = i % a.width, y = i / a.width % a.height, picture = i / a.width / a.height;
    size_t row = (size_t)picture * (a.height / a.block) + y / a.block;
    const bf16 *values = a.values + (row * (a.width / a.block) + x / a.block) * a.padded;
    size_t plane = (size_t)a.height * a.width, first = picture * a.channels * plane + (size_t)y * a.width + x;
    for (unsigned c = 0; c < a.channels; c++) {
        float value = widened(values[(c * a.block + y % a.block) * a.block + x % a.block]);
        size_t to = first + c * plane;
        if (!a.photo) {
            a.picture[to] = tanhf(value);
            continue;
        }
        float colour = a.photo[to];
        if (a.colours) {
            const float *by = a.colours + 4 * c;
            colour = by[3];
            for (unsigned k = 0; k < 3; k++) colour += by[k] * a.photo[first + k * plane];
        }
        a.picture[to] = clamped(value + colour);
    }
}
