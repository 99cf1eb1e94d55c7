// What a training step does between cuDNN's convolutions. Activations are f32 (N, C, H·W).

typedef unsigned short bf16;

// A bf16 is the upper half of a float, rounded to the nearest, ties to even; NaN stays NaN.
__device__ bf16 narrowed(float value) {
    unsigned bits = __float_as_uint(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (bits >> 16) | 0x40u;
    return (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
}

// A block of 32 × 8 threads turns 32 pixels' 32 channels; blockIdx: pixels / 32, channels / 32, picture.
__device__ void turn(const void *from, void *out, unsigned channels, unsigned padded, unsigned pixels, bool to_last) {
    __shared__ float tile[32][33];
    unsigned pixel = blockIdx.x * 32, channel = blockIdx.y * 32, picture = blockIdx.z;
    const float *first = (const float *)from + (size_t)picture * channels * pixels;
    const bf16 *last = (const bf16 *)from + (size_t)picture * padded * pixels;
    for (unsigned row = threadIdx.y; row < 32; row += 8) {
        if (to_last) {
            unsigned c = channel + row, p = pixel + threadIdx.x;
            bool there = c < channels && p < pixels;
            tile[row][threadIdx.x] = there ? first[(size_t)c * pixels + p] : 0.0f;
        } else {
            unsigned p = pixel + row, c = channel + threadIdx.x;
            bool there = c < padded && p < pixels;
            tile[row][threadIdx.x] = there ? __uint_as_float((unsigned)last[(size_t)p * padded + c] << 16) : 0.0f;
        }
    }
    __syncthreads();
    for (unsigned row = threadIdx.y; row < 32; row += 8) {
        float value = tile[threadIdx.x][row];
        if (to_last) {
            unsigned p = pixel + row, c = channel + threadIdx.x;
            bf16 *to = (bf16 *)out + (size_t)picture * padded * pixels;
            if (c < padded && p < pixels) to[(size_t)p * padded + c] = narrowed(value);
        } else {
            unsigned c = channel + row, p = pixel + threadIdx.x;
            float *to = (float *)out + (size_t)picture * channels * pixels;
            if (c < channels && p < pixels) to[(size_t)c * pixels + p] = value;
        }
    }
}

// f32 (N, C, P) to bf16 (N, P, padded), zeros in the channels that are too many.
extern "C" __global__ void to_channels_last(const float *from, bf16 *to, unsigned channels, unsigned padded,
                                            unsigned pixels) {
    turn(from, to, channels, padded, pixels, true);
}

// And back.
extern "C" __global__ void to_channels_first(const bf16 *from, float *to, unsigned channels, unsigned padded,
                                             unsigned pixels) {
    turn(from, to, channels, padded, pixels, false);
}

// Below, a plane is the pixels of a channel of a picture: plane p has the values from p · pixels on. Planes p of one
// p % groups share what a group has.

// leaky(x · scale + shift) + residual; scales and shifts begin again where they end, and any may be none.
extern "C" __global__ void rectify(const float *x, const float *scale, const float *shift, const float *residual, float *y,
                                   float slope, unsigned scales, unsigned shifts, unsigned pixels, unsigned count) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    unsigned plane = i / pixels;
    float value = x[i];
    if (scale) value *= scale[plane % scales];
    if (shift) value += shift[plane % shifts];
    value = value > 0.0f ? value : slope * value;
    y[i] = residual ? value + residual[i] : value;
}

__device__ float behind(float y, float g, float slope) { return y > 0.0f ? g : slope * g; }

// g where y is positive, else slope · g.
extern "C" __global__ void gate(const float *y, const float *g, float *out, float slope, unsigned count) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) out[i] = behind(y[i], g[i], slope);
}

constexpr unsigned THREADS = 512;

// The sum of a block's values, in every thread. Threads add a few hundred in f32 before.
__device__ float sum_of_block(float value) {
    __shared__ double warps[THREADS / 32];
    double sum = value;
    for (int off = 16; off > 0; off /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, off);
    __syncthreads();
    if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = sum;
    __syncthreads();
    sum = 0.0;
    for (unsigned warp = 0; warp < THREADS / 32; warp++) sum += warps[warp];
    return sum;
}

// Of the group that the block has, the index of its value k.
__device__ unsigned in_group(unsigned k, unsigned pixels) { return (blockIdx.x + k / pixels * gridDim.x) * pixels + k % pixels; }

// Each group's sum of x, or of x · y; a block a group, which has `size` values.
extern "C" __global__ void sum_groups(const float *x, const float *y, float *out, unsigned pixels, unsigned size) {
    float sum = 0.0f;
    for (unsigned k = threadIdx.x; k < size; k += THREADS) {
        unsigned i = in_group(k, pixels);
        sum += y ? x[i] * y[i] : x[i];
    }
    sum = sum_of_block(sum);
    if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

// As gate, and behind all that each group's sum of it.
extern "C" __global__ void rectify_gradient(const float *y, const float *g, float *out, float slope, unsigned pixels,
                                            unsigned size) {
    float sum = 0.0f;
    for (unsigned k = threadIdx.x; k < size; k += THREADS) {
        unsigned i = in_group(k, pixels);
        float value = behind(y[i], g[i], slope);
        out[i] = value;
        sum += value;
    }
    sum = sum_of_block(sum);
    if (threadIdx.x == 0) out[gridDim.x * size + blockIdx.x] = sum;
}

// (2, groups): mean and biased variance.
extern "C" __global__ void moments(const float *x, float *out, unsigned pixels, unsigned size) {
    float sum = 0.0f, pivot = x[in_group(0, pixels)];
    for (unsigned k = threadIdx.x; k < size; k += THREADS) sum += x[in_group(k, pixels)] - pivot;
    float mean = pivot + sum_of_block(sum) / size;
    float squares = 0.0f;
    for (unsigned k = threadIdx.x; k < size; k += THREADS) {
        float off = x[in_group(k, pixels)] - mean;
        squares += off * off;
    }
    squares = sum_of_block(squares);
    if (threadIdx.x == 0) {
        out[blockIdx.x] = mean;
        out[gridDim.x + blockIdx.x] = squares / size;
    }
}

// leaky((x - mean) / sqrt(variance + epsilon) · weight + bias)
extern "C" __global__ void normalise(const float *x, const float *moments, const float *weight, const float *bias, float *y,
                                     float epsilon, float slope, unsigned groups, unsigned pixels, unsigned count) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    unsigned group = i / pixels % groups;
    float scale = weight[group] / sqrtf(moments[groups + group] + epsilon);
    float value = (x[i] - moments[group]) * scale + bias[group];
    y[i] = value > 0.0f ? value : slope * value;
}

// The gradients in x, and behind them those in each group's weight and then in its bias.
extern "C" __global__ void normalise_gradient(const float *x, const float *y, const float *g, const float *moments,
                                              const float *weight, float *out, float epsilon, float slope,
                                              unsigned pixels, unsigned size) {
    unsigned group = blockIdx.x, groups = gridDim.x;
    float mean = moments[group], inverse = 1.0f / sqrtf(moments[groups + group] + epsilon);
    float sum = 0.0f, along = 0.0f;
    for (unsigned k = threadIdx.x; k < size; k += THREADS) {
        unsigned i = in_group(k, pixels);
        float value = behind(y[i], g[i], slope);
        sum += value;
        along += value * (x[i] - mean);
    }
    sum = sum_of_block(sum);
    along = sum_of_block(along) * inverse;
    float off = sum / size, stretch = along / size * inverse, scale = weight[group] * inverse;
    for (unsigned k = threadIdx.x; k < size; k += THREADS) {
        unsigned i = in_group(k, pixels);
        out[i] = scale * (behind(y[i], g[i], slope) - off - (x[i] - mean) * stretch);
    }
    if (threadIdx.x == 0) {
        out[groups * size + group] = along;
        out[groups * size + groups + group] = sum;
    }
}

// The planes of a and of b, `left` and `right` of each a picture, in one.
extern "C" __global__ void beside(const float *a, const float *b, float *out, unsigned left, unsigned right, unsigned pixels,
                                  unsigned count) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    unsigned planes = i / pixels, picture = planes / (left + right), plane = planes % (left + right), at = i % pixels;
    out[i] = plane < left ? a[(picture * left + plane) * pixels + at] : b[(picture * right + plane - left) * pixels + at];
}

// Both moments towards the gradient and its square: (2, count).
extern "C" __global__ void adam_moments(float *both, const float *g, float beta1, float rest1, float beta2, float rest2,
                                        unsigned count) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    both[i] = beta1 * both[i] + rest1 * g[i];
    both[count + i] = beta2 * both[count + i] + rest2 * g[i] * g[i];
}

// The parameters along the moments.
extern "C" __global__ void adam_advance(float *to, const float *both, float rate, float root, float epsilon, unsigned count) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) to[i] -= rate * both[i] / (sqrtf(both[count + i]) * root + epsilon);
}

// A share of the way to the values.
extern "C" __global__ void approach(float *to, const float *values, float share, unsigned count) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) to[i] += share * (values[i] - to[i]);
}
