// A layer's convolutions, by products of 16 × 16 × 8 numbers on tensor cores, and all that ends it in one pass: sums stay
// in registers until they are finished. Compiled behind kernels.cu, whose helpers it uses.
//
// A block of 256 threads computes 16 × 16 pixels of N channels, each of its eight warps 32 pixels. It goes through 16
// input channels at a time: what the tile's windows see of them (the halo) and their weights are copied to shared memory,
// once for all taps, while those before are multiplied. In which order a sum is added up depends on the layer
// alone.

struct Term {
    const bf16 *input;  // (N, height, width, channels), what is around included
    const bf16 *weight; // (Cout / 16, channels / 16, kernel · kernel, 16 outputs, 16 inputs)
    int height, width, channels, kernel;
    int stride; // of a convolution; 0: it is the transposed one of stride 2
    int padding;
};

struct Layer {
    Term terms[4]; // the first `count`
    End end;       // its outputs are (N, height, width, channels)
    int count, height, width, channels, residual_around;
    int doubles; // whether a term is transposed
    int stage;   // bytes of shared memory for 16 channels' halo and weights
    int stages;  // how often there is room for that: 2 to 4
};
static_assert(sizeof(Term) == 40 && sizeof(Layer) == 240, "as in arguments/convolve.rs");

constexpr int SIDE = 16, THREADS = 256, CHUNK = 16;

__device__ unsigned shared_address(const void *at) { return (unsigned)__cvta_generic_to_shared(at); }

// 16 bytes to shared memory, by and by; zeros for what is not there.
__device__ void copy(unsigned to, const bf16 *from, bool there) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(there ? 16 : 0));
}

__device__ void end_group() { asm volatile("cp.async.commit_group;"); }

// Until all groups have come but the last zero, one or two.
__device__ void wait_for_groups(int but) {
    if (but == 0) asm volatile("cp.async.wait_group 0;" ::: "memory");
    if (but == 1) asm volatile("cp.async.wait_group 1;" ::: "memory");
    if (but == 2) asm volatile("cp.async.wait_group 2;" ::: "memory");
}

// Four matrices of 8 rows of 8 numbers; each thread names a row.
__device__ void load_matrices(unsigned *to, unsigned row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(row)
                 : "memory");
}

// Adds the products of 16 pixels' 16 channels and 8 outputs' weights.
__device__ void multiply(float *sums, const unsigned *pixels, unsigned low, unsigned high) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
                 : "r"(pixels[0]), "r"(pixels[1]), "r"(pixels[2]), "r"(pixels[3]), "r"(low), "r"(high));
}

// Where half a row of 16 numbers lies behind others: halves change sides every four rows, so that those of any eight
// rows on end lie in different banks.
__device__ unsigned place(int row, int half) { return row * 32 + ((half ^ (row >> 2 & 1)) << 4); }

// The tile that a block computes.
struct Tile {
    int x, y, first, picture; // its first pixel and channel
};

// What a term's windows see of its input: `rows` × `columns` pixels from (x, y) on.
struct Halo {
    int x, y, rows, columns;
};

// Rows of the input that a transposed window sees before those of the same place.
__device__ int rows_before(const Term &term) { return (term.kernel - 1 - term.padding) / 2; }

// Of `pixels` on end, which may be fewer than a tile's side.
__device__ int seen(const Term &term, int pixels) {
    if (term.stride) return (pixels - 1) * term.stride + term.kernel;
    return pixels / 2 + rows_before(term) + (1 + term.padding) / 2;
}

__device__ Halo halo_of(const Layer &layer, const Term &term, const Tile &tile) {
    Halo halo;
    halo.rows = seen(term, min(SIDE, layer.height - tile.y));
    halo.columns = seen(term, min(SIDE, layer.width - tile.x));
    halo.x = term.stride ? tile.x * term.stride - term.padding : tile.x / 2 - rows_before(term);
    halo.y = term.stride ? tile.y * term.stride - term.padding : tile.y / 2 - rows_before(term);
    return halo;
}

// Begins to copy 16 channels of a term's halo and their weights for N outputs. Each thread copies half of every 128th
// pixel's and row's; where the next one lies is found by adding, since dividing costs more than copying.
template <int N> __device__ void fetch(const Layer &layer, const Term &term, const Tile &tile, int chunk, unsigned to) {
    constexpr int STEP = THREADS / 2;
    Halo halo = halo_of(layer, term, tile);
    int half = threadIdx.x % 2, pixel = threadIdx.x / 2, pixels = halo.rows * halo.columns;
    int row = pixel / halo.columns, column = pixel % halo.columns;
    int down = STEP / halo.columns, right = STEP % halo.columns;
    const bf16 *input = term.input + chunk * CHUNK + half * 8;
    int first = tile.picture * term.height;
#pragma unroll 1
    for (; pixel < pixels; pixel += STEP) {
        int y = halo.y + row, x = halo.x + column;
        bool there = y >= 0 && y < term.height && x >= 0 && x < term.width;
        int at = there ? (first + y) * term.width + x : 0;
        copy(to + place(pixel, half), input + at * term.channels, there);
        row += down;
        column += right;
        if (column >= halo.columns) {
            column -= halo.columns;
            row++;
        }
    }
    to += pixels * 32;
    int taps = term.kernel * term.kernel, line = threadIdx.x / 2, output = line % N;
    int group = (tile.first + output) / 16 * (term.channels / CHUNK) + chunk;
    const bf16 *weight = term.weight + (group * taps + line / N) * 256 + output % 16 * 16 + half * 8;
    // 128 lines on lie the same halves of the same outputs for later taps.
    to += place(line, half);
#pragma unroll 1
    for (; line < taps * N; line += STEP) {
        copy(to, weight, true);
        to += STEP * 32;
        weight += STEP / N * 256;
    }
}

// The pixel `r` of a warp's 32 in the tile: (x, y). Of a layer that doubles all 32 have the same parity, since it says
// which taps reach them; of another they are two rows.
__device__ int2 pixel_of(bool doubles, int warp, int r) {
    int2 at;
    if (doubles) {
        at.x = 2 * (r % 8) + (warp >> 1 & 1);
        at.y = 2 * (4 * (warp & 1) + r / 8) + (warp >> 2);
    } else {
        at.x = r % 16;
        at.y = 2 * warp + r / 16;
    }
    return at;
}

// Where a warp finds the pixels and the weights of a term's 16 channels.
struct Source {
    unsigned pixels, weights; // in shared memory
    int rows[2];              // this thread's pixel in the halo for the first tap, of the first and the last 16
    int columns, sign;        // of the halo; −1 where later taps see earlier pixels
    int first_x, first_y, step, kernel; // the taps that reach these pixels
};

// COUNT taps of a window's row, unrolled so that what they load comes while others are multiplied.
template <int N, int COUNT>
__device__ void accumulate_taps(float (*sums)[N / 8][4], const Source &from, int down, int right) {
    int lane = threadIdx.x % 32, y = from.first_y + down * from.step;
#pragma unroll
    for (int k = 0; k < COUNT; k++) {
        int off = from.sign * (down * from.columns + right + k);
        int tap = (y * from.kernel + from.first_x + (right + k) * from.step) * N;
        unsigned pixels[2][4];
        for (int i = 0; i < 2; i++) load_matrices(pixels[i], from.pixels + place(from.rows[i] + off, lane / 16));
#pragma unroll
        for (int n = 0; n < N; n += 16) {
            unsigned outputs[4];
            load_matrices(outputs, from.weights + place(tap + n + lane / 16 * 8 + lane % 8, lane / 8 % 2));
            for (int i = 0; i < 2; i++) {
                multiply(sums[i][n / 8], pixels[i], outputs[0], outputs[1]);
                multiply(sums[i][n / 8 + 1], pixels[i], outputs[2], outputs[3]);
            }
        }
    }
}

// Adds what 16 channels of a term give.
template <int N>
__device__ void accumulate(float (*sums)[N / 8][4], const Layer &layer, const Term &term, const Tile &tile, unsigned at) {
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    Halo halo = halo_of(layer, term, tile);
    Source from;
    from.pixels = at;
    from.weights = at + halo.rows * halo.columns * 32;
    from.columns = halo.columns;
    from.kernel = term.kernel;
    from.sign = term.stride ? 1 : -1;
    from.step = term.stride ? 1 : 2;
    // Every second tap of a transposed window reaches a pixel: which, its parity says.
    int2 parity = pixel_of(layer.doubles, warp, 0);
    from.first_x = term.stride ? 0 : (parity.x + term.padding) & 1;
    from.first_y = term.stride ? 0 : (parity.y + term.padding) & 1;
    for (int i = 0; i < 2; i++) {
        int2 pixel = pixel_of(layer.doubles, warp, 16 * i + lane % 16);
        int x = pixel.x * term.stride, y = pixel.y * term.stride;
        if (!term.stride) {
            x = (pixel.x + term.padding - from.first_x) / 2 + rows_before(term);
            y = (pixel.y + term.padding - from.first_y) / 2 + rows_before(term);
        }
        // Pixels outside of the picture get sums that nobody stores, of whatever lies in the halo.
        int last = term.stride ? term.kernel : 1;
        from.rows[i] = min(y, halo.rows - last) * halo.columns + min(x, halo.columns - last);
    }
    int across = (term.kernel - from.first_x + from.step - 1) / from.step;
#pragma unroll 1
    for (int down = 0; from.first_y + down * from.step < term.kernel; down++) {
        int right = 0;
#pragma unroll 1
        for (; across - right > 3; right += 2) accumulate_taps<N, 2>(sums, from, down, right);
        if (across - right == 3) accumulate_taps<N, 3>(sums, from, down, right);
        if (across - right == 2) accumulate_taps<N, 2>(sums, from, down, right);
        if (across - right == 1) accumulate_taps<N, 1>(sums, from, down, right);
    }
}

template <int N> __device__ void convolve(const Layer &layer) {
    extern __shared__ uint4 shared[];
    unsigned stages = shared_address(shared);
    int across = (layer.width + SIDE - 1) / SIDE, lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    Tile tile;
    tile.x = blockIdx.x % across * SIDE;
    tile.y = blockIdx.x / across * SIDE;
    tile.first = blockIdx.y * N;
    tile.picture = blockIdx.z;
    // A warp whose pixels are all outside of the picture only copies.
    int2 top = pixel_of(layer.doubles, warp, 0);
    bool idle = tile.y + top.y >= layer.height || tile.x + top.x >= layer.width;

    float sums[2][N / 8][4] = {};
    // Groups of copies are one a stage, empty ones where there is nothing left to copy.
    int next = 0, next_chunk = 0, to = 0;
    auto fetch_next = [&] {
        if (next < layer.count) {
            fetch<N>(layer, layer.terms[next], tile, next_chunk, stages + to * layer.stage);
            to = to + 1 == layer.stages ? 0 : to + 1;
            if (++next_chunk * CHUNK == layer.terms[next].channels) {
                next_chunk = 0;
                next++;
            }
        }
        end_group();
    };
#pragma unroll 1
    for (int ahead = 1; ahead < layer.stages; ahead++) fetch_next();
    int from = 0;
#pragma unroll 1
    for (int term = 0; term < layer.count; term++) {
#pragma unroll 1
        for (int chunks = layer.terms[term].channels / CHUNK; chunks > 0; chunks--) {
            wait_for_groups(layer.stages - 2);
            // What this stage needs has come, and nobody reads the one before any more.
            __syncthreads();
            fetch_next();
            if (!idle) accumulate<N>(sums, layer, layer.terms[term], tile, stages + from * layer.stage);
            from = from + 1 == layer.stages ? 0 : from + 1;
        }
    }
    __syncthreads();

    // Through shared memory, so that a thread has eight channels of a pixel on end. Rows begin four banks apart.
    constexpr int PITCH = N + 4;
    float *own = (float *)shared + warp * 16 * PITCH;
#pragma unroll
    for (int i = 0; i < 2; i++) {
        __syncwarp();
#pragma unroll
        for (int n = 0; n < N / 8; n++) {
            float *to = own + lane / 4 * PITCH + n * 8 + lane % 4 * 2;
            *(float2 *)to = make_float2(sums[i][n][0], sums[i][n][1]);
            *(float2 *)(to + 8 * PITCH) = make_float2(sums[i][n][2], sums[i][n][3]);
        }
        __syncwarp();
        for (int group = lane; group < 16 * N / 8; group += 32) {
            int row = group / (N / 8), channel = group % (N / 8) * 8;
            int2 at = pixel_of(layer.doubles, warp, 16 * i + row);
            int y = tile.y + at.y, x = tile.x + at.x;
            if (y >= layer.height || x >= layer.width) continue;
            const float4 *halves = (const float4 *)(own + row * PITCH + channel);
            float4 low = halves[0], high = halves[1];
            float values[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
            channel += tile.first;
            int around = layer.residual_around, tall = layer.height + 2 * around, wide = layer.width + 2 * around;
            int residual = (tile.picture * tall + y + around) * wide + x + around;
            int to = (tile.picture * layer.height + y) * layer.width + x;
            end(layer.end, values, channel, residual * layer.channels + channel, to * layer.channels + channel);
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 3) convolve_16(const __grid_constant__ Layer layer) {
    convolve<16>(layer);
}
extern "C" __global__ void __launch_bounds__(THREADS, 3) convolve_32(const __grid_constant__ Layer layer) {
    convolve<32>(layer);
}
extern "C" __global__ void __launch_bounds__(THREADS, 2) convolve_64(const __grid_constant__ Layer layer) {
    convolve<64>(layer);
}
