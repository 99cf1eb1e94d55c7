//! The messages of ONNX's protocol buffers that a generator needs, by the
//! field numbers of `onnx.proto` (IR version 8). Optional fields are written
//! even where they are 0, as its proto2 asks.

use prost::{Message, Oneof};

/// [`Tensor::data_type`] and [`TensorType::elem_type`] of f32.
pub const FLOAT: i32 = 1;
/// The type of a 64-bit whole number.
pub const INT64: i32 = 7;

/// A whole file.
#[derive(Clone, PartialEq, Message)]
pub struct Model {
    /// The version of the format.
    #[prost(int64, optional, tag = "1")]
    pub ir_version: Option<i64>,
    /// Who wrote it.
    #[prost(string, tag = "2")]
    pub producer_name: String,
    /// Which version of them.
    #[prost(string, tag = "3")]
    pub producer_version: String,
    /// For people.
    #[prost(string, tag = "6")]
    pub doc_string: String,
    /// The network.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<Graph>,
    /// The operators' versions.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSet>,
    /// Whatever else is to be known.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<Property>,
}

/// A set of operators.
#[derive(Clone, PartialEq, Message)]
pub struct OperatorSet {
    /// Empty: the standard ones.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// Its version.
    #[prost(int64, optional, tag = "2")]
    pub version: Option<i64>,
}

/// A key and its value.
#[derive(Clone, PartialEq, Message)]
pub struct Property {
    /// The key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// The value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// A network.
#[derive(Clone, PartialEq, Message)]
pub struct Graph {
    /// Its operators, each after those it reads.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<Node>,
    /// The network's name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Its parameters.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<Tensor>,
    /// What it is given.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<Value>,
    /// What it answers.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<Value>,
}

/// An operator.
#[derive(Clone, PartialEq, Message)]
pub struct Node {
    /// Names of values; an empty one is left out.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of the values it makes.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Its own name.
    #[prost(string, tag = "3")]
    pub name: String,
    /// Which operator.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// Its settings.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
}

/// A setting of an operator: one of the values, and which one.
#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    /// The setting's name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// A number.
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    /// A whole number.
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    /// Text.
    #[prost(bytes = "vec", optional, tag = "4")]
    pub s: Option<Vec<u8>>,
    /// Whole numbers.
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// 1: `f`, 2: `i`, 3: `s`, 7: `ints`.
    #[prost(int32, optional, tag = "20")]
    pub r#type: Option<i32>,
}

/// A parameter.
#[derive(Clone, PartialEq, Message)]
pub struct Tensor {
    /// Its shape.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    /// What its numbers are.
    #[prost(int32, optional, tag = "2")]
    pub data_type: Option<i32>,
    /// Its name.
    #[prost(string, tag = "8")]
    pub name: String,
    /// Its numbers, little-endian.
    #[prost(bytes = "vec", optional, tag = "9")]
    pub raw_data: Option<Vec<u8>>,
}

/// An input or output.
#[derive(Clone, PartialEq, Message)]
pub struct Value {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// What it is.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<Type>,
}

/// What a value is.
#[derive(Clone, PartialEq, Message)]
pub struct Type {
    /// A tensor.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorType>,
}

/// A tensor's numbers and shape.
#[derive(Clone, PartialEq, Message)]
pub struct TensorType {
    /// What its numbers are.
    #[prost(int32, optional, tag = "1")]
    pub elem_type: Option<i32>,
    /// Its shape.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<Shape>,
}

/// A shape.
#[derive(Clone, PartialEq, Message)]
pub struct Shape {
    /// From the outermost.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

/// One length of a shape.
#[derive(Clone, PartialEq, Message)]
pub struct Dimension {
    /// Known or not.
    #[prost(oneof = "Length", tags = "1, 2")]
    pub length: Option<Length>,
}

/// A length.
#[derive(Clone, PartialEq, Oneof)]
pub enum Length {
    /// Always that.
    #[prost(int64, tag = "1")]
    Fixed(i64),
    /// Any; equal names are equal lengths.
    #[prost(string, tag = "2")]
    Named(String),
}
