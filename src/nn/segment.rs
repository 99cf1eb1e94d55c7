//! Many layers as one node of candle's graph.
//!
//! candle adds whatever an op says its argument's gradient is to zeros that it makes first: three passes over memory for
//! none where only one op reads the argument, as between most layers. Here the ops of a network are noted as they run, and
//! candle sees one, whose gradient goes back through them with nothing added but where two meet.

mod link;
mod node;
#[cfg(test)]
mod tests;

use candle_core::{CustomOp1, CustomOp2, CustomOp3, Result, Tensor, TensorId};
use node::joined;
use std::cell::RefCell;
use std::collections::HashSet;

/// What the ops that this thread runs are.
enum State {
    /// Nodes of candle's graph, each by itself.
    Apart,
    /// The same; but a segment may begin.
    Between,
    /// Of a segment.
    Within(Vec<Entry>),
}

thread_local! {
    static STATE: RefCell<State> = const { RefCell::new(State::Apart) };
    /// The values whose gradients a segment asks for now.
    static ASKED: RefCell<HashSet<TensorId>> = RefCell::new(HashSet::new());
}

/// While it lives, networks that this thread runs are segments, or are not. A segment's gradients are taken by
/// [`backward`](super::gradients::backward), once.
#[must_use = "it ends when it is dropped"]
pub struct Segments {
    before: State,
}

impl Segments {
    /// Networks are segments where it is `wanted`, from now on.
    pub fn new(wanted: bool) -> Self {
        Self { before: STATE.replace(if wanted { State::Between } else { State::Apart }) }
    }
}

impl Drop for Segments {
    fn drop(&mut self) {
        STATE.set(std::mem::replace(&mut self.before, State::Apart));
    }
}

/// An op that ran.
struct Entry {
    op: Box<dyn Op>,
    arguments: Vec<Tensor>,
    result: Tensor,
}

/// A custom op of any number of arguments.
trait Op: Send + Sync {
    fn gradients(&self, arguments: &[Tensor], result: &Tensor, grad: &Tensor) -> Result<Vec<Option<Tensor>>>;
}

struct Of1<C>(C);
struct Of2<C>(C);
struct Of3<C>(C);

impl<C: CustomOp1 + Send + Sync> Op for Of1<C> {
    fn gradients(&self, a: &[Tensor], result: &Tensor, grad: &Tensor) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![self.0.bwd(&a[0], result, grad)?])
    }
}

impl<C: CustomOp2 + Send + Sync> Op for Of2<C> {
    fn gradients(&self, a: &[Tensor], result: &Tensor, grad: &Tensor) -> Result<Vec<Option<Tensor>>> {
        let (first, second) = self.0.bwd(&a[0], &a[1], result, grad)?;
        Ok(vec![first, second])
    }
}

impl<C: CustomOp3 + Send + Sync> Op for Of3<C> {
    fn gradients(&self, a: &[Tensor], result: &Tensor, grad: &Tensor) -> Result<Vec<Option<Tensor>>> {
        let (first, second, third) = self.0.bwd(&a[0], &a[1], &a[2], result, grad)?;
        Ok(vec![first, second, third])
    }
}

fn is_within() -> bool {
    STATE.with_borrow(|state| matches!(state, State::Within(_)))
}

fn note(op: impl Op + 'static, arguments: Vec<Tensor>, result: &Tensor) {
    STATE.with_borrow_mut(|state| {
        let State::Within(entries) = state else { return };
        let made = |tensor: &Tensor| entries.iter().any(|entry| entry.result.id() == tensor.id());
        // Of constants there is no gradient.
        if arguments.iter().any(|argument| argument.track_op() || made(argument)) {
            entries.push(Entry { op: Box::new(op), arguments, result: result.clone() });
        }
    });
}

/// `op` of one tensor.
///
/// # Errors
/// The op's.
pub(super) fn apply1<C: CustomOp1 + Send + Sync + 'static>(x: &Tensor, op: C) -> Result<Tensor> {
    if !is_within() {
        return x.apply_op1(op);
    }
    let y = x.apply_op1_no_bwd(&op)?;
    note(Of1(op), vec![x.clone()], &y);
    Ok(y)
}

/// `op` of two.
///
/// # Errors
/// The op's.
pub(super) fn apply2<C: CustomOp2 + Send + Sync + 'static>(a: &Tensor, b: &Tensor, op: C) -> Result<Tensor> {
    if !is_within() {
        return a.apply_op2(b, op);
    }
    let y = a.apply_op2_no_bwd(b, &op)?;
    note(Of2(op), vec![a.clone(), b.clone()], &y);
    Ok(y)
}

/// `op` of three.
///
/// # Errors
/// The op's.
pub(super) fn apply3<C: CustomOp3 + Send + Sync + 'static>(
    a: &Tensor,
    b: &Tensor,
    c: &Tensor,
    op: C,
) -> Result<Tensor> {
    if !is_within() {
        return a.apply_op3(b, c, op);
    }
    let y = a.apply_op3_no_bwd(b, c, &op)?;
    note(Of3(op), vec![a.clone(), b.clone(), c.clone()], &y);
    Ok(y)
}

/// Whether an op's argument has a use for a gradient.
pub(super) fn wanted(argument: &Tensor) -> bool {
    argument.track_op() || ASKED.with_borrow(|asked| asked.contains(&argument.id()))
}

/// What `layers` make, in training as one node of candle's graph. All that they do to each other's results must be ops
/// that are applied by this file's functions: through candle's own no gradient would come back.
///
/// # Errors
/// Those of the layers.
pub(super) fn segment(layers: impl FnOnce() -> Result<Tensor>) -> Result<Tensor> {
    let begins = STATE.with_borrow_mut(|state| {
        let begins = matches!(state, State::Between);
        if begins {
            *state = State::Within(Vec::new());
        }
        begins
    });
    if !begins {
        return layers();
    }
    let result = layers();
    match STATE.replace(State::Between) {
        State::Within(entries) => joined(entries, result?),
        _ => result,
    }
}
