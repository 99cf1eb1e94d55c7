//! Which memory each node's values lie in.

use super::outline::{Node, Outline};

/// The places of an outline's nodes by their form, and the number of each node's. A node takes over the place of one of
/// its form that no later layer reads; a layer's outputs get no place that it reads.
pub(super) fn places<F: Copy + PartialEq>(outline: &Outline, form: impl Fn(Node) -> F) -> (Vec<F>, Vec<usize>) {
    let mut last_use = vec![0; outline.nodes.len()];
    for (i, layer) in outline.layers.iter().enumerate() {
        let read = layer.terms.iter().map(|term| &term.node).chain(&layer.residual);
        for node in read.chain(layer.outputs.iter().map(|(node, _)| node)) {
            last_use[node.0] = i;
        }
    }
    last_use[outline.last.0] = usize::MAX;
    // By place: its form and its node's last reader.
    let mut taken: Vec<(F, usize)> = Vec::new();
    let mut place = |node: Node, now: usize| {
        let form = form(node);
        let free = taken.iter().position(|&(other, until)| other == form && until < now);
        let place = free.unwrap_or_else(|| {
            taken.push((form, 0));
            taken.len() - 1
        });
        taken[place] = (form, last_use[node.0]);
        place
    };
    let mut numbers = vec![0; outline.nodes.len()];
    numbers[0] = place(Node(0), 0);
    for (i, layer) in outline.layers.iter().enumerate() {
        for (node, _) in &layer.outputs {
            numbers[node.0] = place(*node, i);
        }
    }
    (taken.into_iter().map(|(form, _)| form).collect(), numbers)
}
