//! The other side of `formula.py`: the same tensors, and its results read back.

use candle_core::{Device, Shape, Tensor, Var};
use std::collections::BTreeMap;
use std::process::Command;

const MARK: &str = "# numbers: written by this script, read by the tests\n";

/// A tensor's elements by the integers' formula: `offset + scale · noise`.
pub fn noise(name: &str, count: usize, scale: f64, offset: f64) -> Vec<f32> {
    let seed = name.bytes().fold(0u32, |seed, byte| seed.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let element = |i: usize| {
        let mut k = (i as u32).wrapping_mul(0x9E37_79B1).wrapping_add(seed);
        for _ in 0..2 {
            k = (k ^ (k >> 16)).wrapping_mul(0x045D_9F3B);
        }
        k ^= k >> 16;
        (offset + scale * (f64::from(k) / f64::from(1u32 << 31) - 1.0)) as f32
    };
    (0..count).map(element).collect()
}

/// [`noise`] as a variable, so that everything has a gradient.
pub fn formula(name: &str, shape: impl Into<Shape>, scale: f64, offset: f64) -> Var {
    let shape = shape.into();
    let values = noise(name, shape.elem_count(), scale, offset);
    Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap()
}

/// A network's parameter or running statistic, its range by what it is.
pub fn parameter(name: &str, shape: &Shape) -> Tensor {
    let (scale, offset) = if name.ends_with("running_var") {
        (0.5, 1.0)
    } else if shape.rank() == 1 && name.ends_with("weight") {
        (0.2, 1.0)
    } else {
        (0.2, 0.0)
    };
    formula(name, shape.clone(), scale, offset).as_detached_tensor()
}

/// A scalar in which every element of `y` has a weight of its own.
pub fn loss(y: &Tensor) -> Tensor {
    let weights = formula("loss", y.shape(), 1.0, 0.0).as_detached_tensor();
    (y * weights).unwrap().mean_all().unwrap()
}

/// Whether candle keeps the graphs of gradients here, so that they can be
/// differentiated again. It looks at its environment once a thread; a test
/// cannot set that for itself, so this runs the test named `test` again where
/// it is set, passes its failure on, and is true in there only.
pub fn keeps_graphs(test: &str) -> bool {
    const VARIABLE: &str = "CANDLE_GRAD_DO_NOT_DETACH";
    if std::env::var(VARIABLE).as_deref() == Ok("1") {
        return true;
    }
    let executable = std::env::current_exe().unwrap();
    let inner = Command::new(executable).args(["--exact", test]).env(VARIABLE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&inner.stdout);
    assert!(inner.status.success() && said.contains("1 passed"), "{said}");
    false
}

/// What a tensor of a network is to be.
struct Row {
    shape: String,
    rms: f64,
    check: f64,
    elements: Vec<f64>,
}

/// The rows whose names begin with one prefix, each to be compared once.
pub struct Golden {
    rows: BTreeMap<String, Row>,
    worst: (f64, String),
}

impl Golden {
    /// The numbers at the end of `script` whose names begin with `prefix`.
    pub fn read(script: &str, prefix: &str) -> Self {
        let script = script.replace("\r\n", "\n");
        let (_, numbers) = script.rsplit_once(MARK).unwrap();
        let rows = numbers.lines().map(|line| {
            let mut words = line.trim_start_matches("# ").split(' ');
            let (name, shape) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
            let values: Vec<f64> = words.map(|word| word.parse().unwrap()).collect();
            (name, Row { shape, rms: values[0], check: values[1], elements: values[2..].to_vec() })
        });
        let rows: BTreeMap<_, _> = rows.filter(|(name, _)| name.starts_with(prefix)).collect();
        assert!(!rows.is_empty(), "no numbers begin with {prefix}");
        Self { rows, worst: (0.0, String::new()) }
    }

    /// What follows `prefix` in the names of the rows not yet compared.
    pub fn names(&self, prefix: &str) -> Vec<String> {
        self.rows.keys().filter_map(|name| name.strip_prefix(prefix)).map(str::to_owned).collect()
    }

    /// Compares `t` with the row `name`: its shape, root mean square, weighted
    /// sum and elements, all within `tolerance` times the root mean square.
    pub fn check(&mut self, name: &str, t: &Tensor, tolerance: f64) {
        let row = self.rows.remove(name).unwrap_or_else(|| panic!("no numbers for {name}, or asked for twice"));
        self.compare(name, t, &row, tolerance * row.rms);
    }

    /// Compares as [`Self::check`] does, but within `tolerance` itself.
    pub fn check_absolute(&mut self, name: &str, t: &Tensor, tolerance: f64) {
        let row = self.rows.remove(name).unwrap_or_else(|| panic!("no numbers for {name}, or asked for twice"));
        self.compare(name, t, &row, tolerance);
    }

    fn compare(&mut self, name: &str, t: &Tensor, row: &Row, within: f64) {
        let dims: Vec<String> = t.dims().iter().map(ToString::to_string).collect();
        assert_eq!(if dims.is_empty() { "1".to_owned() } else { dims.join("x") }, row.shape, "shape of {name}");
        let values: Vec<f64> = t.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f64::from).collect();
        let n = values.len();
        let rms = (values.iter().map(|v| v * v).sum::<f64>() / n as f64).sqrt();
        let weights = noise("check", n, 1.0, 0.0);
        let check = values.iter().zip(&weights).map(|(v, w)| v * f64::from(*w)).sum::<f64>() / (n as f64).sqrt();
        let m = n.min(6);
        let elements = (0..m).map(|j| values[j * (n - 1) / (m - 1).max(1)]);
        let got = [rms, check].into_iter().chain(elements);
        let wanted = [row.rms, row.check].into_iter().chain(row.elements.iter().copied());
        for (place, (got, wanted)) in got.zip(wanted).enumerate() {
            let error = (got - wanted).abs();
            // Written so that a NaN fails.
            assert!(
                error <= within,
                "{name}: number {place} is {got}, not {wanted}: {error:.1e} off, {within:.1e} allowed"
            );
            if error / row.rms > self.worst.0 {
                self.worst = (error / row.rms, name.to_owned());
            }
        }
    }

    /// Fails if a row was never compared; prints how close the worst came.
    pub fn finish(self) {
        assert!(self.rows.is_empty(), "never compared: {:?}", self.rows.keys());
        println!("worst: {:.1e} of its root mean square, {}", self.worst.0, self.worst.1);
    }
}
