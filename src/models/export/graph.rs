//! An ONNX graph as it grows: an operator a call, its parameters by name.

use super::ExportError;
use super::proto::{self, Attribute, Dimension, FLOAT, INT64, Length, Node, OperatorSet, Property};
use crate::models::card::Card;
use crate::models::publish::Tensors;
use candle_core::{DType, Error, Result, Tensor};
use prost::Message;

/// The graph's input, the generator's photo.
pub const PHOTO: &str = "photo";
/// The graph's output.
pub const PICTURE: &str = "picture";
/// The input of a generator of several styles.
pub const STYLE: &str = "style";

/// ONNX 1.12 (2022); every operator here is that old.
const OPSET: i64 = 17;
const IR_VERSION: i64 = 8;

/// A setting that is a whole number.
pub fn int(name: &str, value: i64) -> Attribute {
    Attribute { name: name.into(), i: Some(value), r#type: Some(2), ..Attribute::default() }
}

/// A setting that is a number.
pub fn float(name: &str, value: f32) -> Attribute {
    Attribute { name: name.into(), f: Some(value), r#type: Some(1), ..Attribute::default() }
}

/// A setting that is a word.
pub fn word(name: &str, value: &str) -> Attribute {
    Attribute { name: name.into(), s: Some(value.into()), r#type: Some(3), ..Attribute::default() }
}

/// A setting that is a list of whole numbers.
pub fn ints(name: &str, value: &[i64]) -> Attribute {
    Attribute { name: name.into(), ints: value.to_vec(), r#type: Some(7), ..Attribute::default() }
}

/// See the module. Values are called by the layer that makes them.
pub struct Graph<'a> {
    tensors: &'a Tensors,
    graph: proto::Graph,
}

impl<'a> Graph<'a> {
    /// An empty graph of a network with these tensors.
    pub fn new(tensors: &'a Tensors) -> Self {
        Self { tensors, graph: proto::Graph::default() }
    }

    /// The network's tensor `name`.
    ///
    /// # Errors
    /// When there is none.
    pub fn tensor(&self, name: &str) -> Result<&'a Tensor> {
        self.tensors.get(name).ok_or_else(|| Error::Msg(format!("{name} is missing")))
    }

    /// `tensor` as a parameter; its name.
    ///
    /// # Errors
    /// When its numbers cannot be read.
    pub fn parameter(&mut self, name: &str, tensor: &Tensor) -> Result<String> {
        let values: Vec<f32> = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
        self.graph.initializer.push(proto::Tensor {
            dims: tensor.dims().iter().map(|length| *length as i64).collect(),
            data_type: Some(FLOAT),
            name: name.to_owned(),
            raw_data: Some(values.into_iter().flat_map(f32::to_le_bytes).collect()),
        });
        Ok(name.to_owned())
    }

    /// The network's tensor `name` as a parameter; its name.
    ///
    /// # Errors
    /// When there is none.
    pub fn own(&mut self, name: &str) -> Result<String> {
        self.parameter(name, self.tensor(name)?)
    }

    /// The operator `op`; its value, called `name`.
    pub fn add(&mut self, op: &str, name: &str, inputs: &[&str], attribute: Vec<Attribute>) -> String {
        self.graph.node.push(Node {
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![name.to_owned()],
            name: name.to_owned(),
            op_type: op.to_owned(),
            attribute,
        });
        name.to_owned()
    }

    /// A convolution (`Conv`, `ConvTranspose`) with the weight `weight`, and the bias
    /// `bias` if the network has it; padded as all of Sakuga's are, by one pixel.
    ///
    /// # Errors
    /// When there is no such weight.
    pub fn convolve(
        &mut self,
        op: &str,
        name: &str,
        x: &str,
        stride: i64,
        (weight, bias): (String, &str),
    ) -> Result<String> {
        let bias = self.tensors.contains_key(bias).then(|| self.own(bias)).transpose()?;
        let inputs: Vec<&str> = [x, &weight].into_iter().chain(bias.as_deref()).collect();
        Ok(self.add(op, name, &inputs, vec![ints("strides", &[stride; 2]), ints("pads", &[1; 4])]))
    }

    /// The layer `name`, whose tensors are `name.weight` and perhaps `name.bias`.
    ///
    /// # Errors
    /// When there is no such weight.
    pub fn layer(&mut self, op: &str, name: &str, x: &str, stride: i64) -> Result<String> {
        let weight = self.own(&format!("{name}.weight"))?;
        self.convolve(op, name, x, stride, (weight, &format!("{name}.bias")))
    }

    /// The convolution `name` without padding.
    ///
    /// # Errors
    /// When there is no such weight.
    pub fn unpadded(&mut self, name: &str, x: &str) -> Result<String> {
        let (weight, bias) = self.weights(name)?;
        let inputs: Vec<&str> = [x, &weight].into_iter().chain(bias.as_deref()).collect();
        Ok(self.add("Conv", name, &inputs, Vec::new()))
    }

    /// The transposed convolution `name` of 3×3 that doubles both sides exactly.
    ///
    /// # Errors
    /// When there is no such weight.
    pub fn double(&mut self, name: &str, x: &str) -> Result<String> {
        let (weight, bias) = self.weights(name)?;
        let inputs: Vec<&str> = [x, &weight].into_iter().chain(bias.as_deref()).collect();
        let sizes = vec![ints("strides", &[2; 2]), ints("pads", &[1; 4]), ints("output_padding", &[1; 2])];
        Ok(self.add("ConvTranspose", name, &inputs, sizes))
    }

    fn weights(&mut self, name: &str) -> Result<(String, Option<String>)> {
        let weight = self.own(&format!("{name}.weight"))?;
        let bias = format!("{name}.bias");
        Ok((weight, self.tensors.contains_key(&bias).then(|| self.own(&bias)).transpose()?))
    }

    /// Whole numbers as a parameter; its name.
    pub fn integers(&mut self, name: &str, values: &[i64]) -> String {
        self.graph.initializer.push(proto::Tensor {
            dims: vec![values.len() as i64],
            data_type: Some(INT64),
            name: name.to_owned(),
            raw_data: Some(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        });
        name.to_owned()
    }

    /// `x`, negative values times `slope`.
    pub fn rectify(&mut self, name: &str, x: &str, slope: f32) -> String {
        match slope {
            0.0 => self.add("Relu", name, &[x], Vec::new()),
            _ => self.add("LeakyRelu", name, &[x], vec![float("alpha", slope)]),
        }
    }

    /// The whole file of `card`'s network, which draws `channels` channels from as many as it says.
    ///
    /// # Errors
    /// When it is more than a protocol buffer holds.
    pub fn finish(
        mut self,
        card: &Card,
        (inputs, outputs): (usize, usize),
    ) -> std::result::Result<Vec<u8>, ExportError> {
        let picture =
            |name: &str, channels| value(name, &[named("batch"), fixed(channels), named("height"), named("width")]);
        self.graph.name = card.name.clone();
        self.graph.input = vec![picture(PHOTO, inputs)];
        self.graph.output = vec![picture(PICTURE, outputs)];
        if card.architecture.styles() > 0 {
            self.graph.input.push(value(STYLE, &[named("styles"), fixed(card.architecture.styles())]));
        }
        let bytes: usize =
            self.graph.initializer.iter().filter_map(|tensor| tensor.raw_data.as_ref()).map(Vec::len).sum();
        let model = proto::Model {
            ir_version: Some(IR_VERSION),
            producer_name: "sakuga".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            doc_string: card.description.clone(),
            graph: Some(self.graph),
            opset_import: vec![OperatorSet { domain: String::new(), version: Some(OPSET) }],
            metadata_props: properties(card),
        };
        if model.encoded_len() > i32::MAX as usize {
            return Err(ExportError::TooLarge(bytes));
        }
        Ok(model.encode_to_vec())
    }
}

/// What a program has to know that runs the file.
fn properties(card: &Card) -> Vec<Property> {
    let property = |key: &str, value: String| Property { key: key.into(), value };
    vec![
        property("architecture", card.architecture.kind().into()),
        property("licence", card.licence.clone()),
        property("size_multiple", card.size_multiple.to_string()),
        property("styles", card.styles.join(",")),
        property("value_range", format!("{},{}", card.value_range[0], card.value_range[1])),
    ]
}

fn value(name: &str, lengths: &[Length]) -> proto::Value {
    let dim = lengths.iter().map(|length| Dimension { length: Some(length.clone()) }).collect();
    let tensor_type = Some(proto::TensorType { elem_type: Some(FLOAT), shape: Some(proto::Shape { dim }) });
    proto::Value { name: name.into(), r#type: Some(proto::Type { tensor_type }) }
}

fn fixed(length: usize) -> Length {
    Length::Fixed(length as i64)
}

fn named(name: &str) -> Length {
    Length::Named(name.into())
}
