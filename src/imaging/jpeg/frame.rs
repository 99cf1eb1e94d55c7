//! What a baseline JPEG says before its data: sides, components and tables
//! (T.81, annex B.2).

use super::huffman::Table;
use super::markers::{Segment, Segments};

/// Coefficients of a block, as they follow each other in the file: their places
/// in an 8×8 block (T.81, figure A.6).
#[rustfmt::skip]
pub(super) const ZIGZAG: [u8; 64] = [
     0,  1,  8, 16,  9,  2,  3, 10, 17, 24, 32, 25, 18, 11,  4,  5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,  6,  7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// One of the planes of a picture: grey, or Y, Cb or Cr.
pub(super) struct Component {
    id: u8,
    /// Blocks of an MCU across and down.
    pub blocks: (usize, usize),
    /// Which table its coefficients are multiplied by, then those of its codes.
    quantization: usize,
    dc: usize,
    ac: usize,
}

/// A picture of one scan: every component, coefficient and bit in it.
pub(super) struct Frame {
    pub width: usize,
    pub height: usize,
    pub components: Vec<Component>,
    quantization: [Option<[f32; 64]>; 4],
    /// Of DC and of AC coefficients.
    codes: [[Option<Table>; 4]; 2],
    /// MCUs from one restart marker to the next; 0 where there are none.
    pub restart_interval: usize,
    /// Where the data begin.
    pub data: usize,
}

impl Frame {
    /// The headers of `bytes`; `None` for what is not baseline, not in one scan, not of 8 bits or broken.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut frame = Self {
            width: 0,
            height: 0,
            components: Vec::new(),
            quantization: [None; 4],
            codes: Default::default(),
            restart_interval: 0,
            data: 0,
        };
        for Segment { marker, payload, end } in Segments::new(bytes) {
            match marker {
                0xC0 | 0xC1 if frame.components.is_empty() => frame.start(payload)?,
                0xC4 => frame.huffman_tables(payload)?,
                0xDB => frame.quantization_tables(payload)?,
                0xDD => frame.restart_interval = usize::from(u16::from_be_bytes(payload.try_into().ok()?)),
                0xDA => {
                    frame.scan(payload)?;
                    frame.data = end;
                    return Some(frame);
                }
                // Other frames, and a height that follows the data.
                0xC0..=0xCF | 0xDC => return None,
                _ => {}
            }
        }
        None
    }

    /// Blocks of an MCU across and down, of the component that has the most.
    pub fn mcu_blocks(&self) -> (usize, usize) {
        let most = |side: fn(&Component) -> usize| self.components.iter().map(side).max().unwrap_or(1);
        (most(|c| c.blocks.0), most(|c| c.blocks.1))
    }

    /// How many MCUs lie across and down.
    pub fn mcus(&self) -> (usize, usize) {
        let (across, down) = self.mcu_blocks();
        (self.width.div_ceil(8 * across), self.height.div_ceil(8 * down))
    }

    /// What the coefficients of a component are multiplied by, in the file's order.
    pub fn quantization(&self, component: &Component) -> Option<&[f32; 64]> {
        self.quantization[component.quantization].as_ref()
    }

    /// A component's codes of DC and of AC coefficients.
    pub fn codes(&self, component: &Component) -> Option<(&Table, &Table)> {
        Some((self.codes[0][component.dc].as_ref()?, self.codes[1][component.ac].as_ref()?))
    }

    fn start(&mut self, payload: &[u8]) -> Option<()> {
        let &[8, h1, h0, w1, w0, count, ref components @ ..] = payload else { return None };
        self.height = usize::from(u16::from_be_bytes([h1, h0]));
        self.width = usize::from(u16::from_be_bytes([w1, w0]));
        if self.width == 0 || self.height == 0 || !matches!(count, 1 | 3) || components.len() != 3 * usize::from(count)
        {
            return None;
        }
        for &[id, sampling, quantization] in components.as_chunks().0 {
            let blocks = (usize::from(sampling >> 4), usize::from(sampling & 15));
            // The data of a component that is alone lie block by block (T.81, A.2.2).
            let blocks = if count == 1 { (1, 1) } else { blocks };
            if !matches!(blocks, (1 | 2, 1 | 2)) || quantization > 3 {
                return None;
            }
            self.components.push(Component { id, blocks, quantization: quantization.into(), dc: 0, ac: 0 });
        }
        Some(())
    }

    fn quantization_tables(&mut self, mut payload: &[u8]) -> Option<()> {
        while let [which, rest @ ..] = payload {
            let table = self.quantization.get_mut(usize::from(which & 15))?;
            let (values, after) = match which >> 4 {
                0 => (rest.first_chunk::<64>()?.map(f32::from), &rest[64..]),
                1 => {
                    let values = rest.first_chunk::<128>()?.as_chunks::<2>().0;
                    (std::array::from_fn(|i| f32::from(u16::from_be_bytes(values[i]))), &rest[128..])
                }
                _ => return None,
            };
            *table = Some(values);
            payload = after;
        }
        Some(())
    }

    fn huffman_tables(&mut self, mut payload: &[u8]) -> Option<()> {
        while let [which, rest @ ..] = payload {
            let table = self.codes.get_mut(usize::from(which >> 4))?.get_mut(usize::from(which & 15))?;
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let symbols = rest.get(..counts.iter().map(|&n| usize::from(n)).sum())?;
            *table = Some(Table::new(counts, symbols)?);
            payload = &rest[symbols.len()..];
        }
        Some(())
    }

    fn scan(&mut self, payload: &[u8]) -> Option<()> {
        let (&count, rest) = payload.split_first()?;
        let (selectors, progression) = rest.split_at_checked(2 * usize::from(count))?;
        // From the first coefficient to the last, whole.
        if self.components.len() != usize::from(count) || count == 0 || progression != [0, 63, 0] {
            return None;
        }
        for (component, &[id, tables]) in self.components.iter_mut().zip(selectors.as_chunks().0) {
            if component.id != id || tables >> 4 > 3 || tables & 15 > 3 {
                return None;
            }
            (component.dc, component.ac) = (usize::from(tables >> 4), usize::from(tables & 15));
        }
        self.components.iter().all(|c| self.codes(c).is_some() && self.quantization(c).is_some()).then_some(())
    }
}
