//! Which of many prefixes (or, read backwards, suffixes) a text begins with:
//! one binary search, however many there are.

use std::collections::BTreeMap;

/// Prefixes in byte order, each linked to the longest other that it begins
/// with, and the entries filed under it.
///
/// The last prefix not greater than a text either begins the text or shares a
/// beginning with it; every prefix of the text is found among it and its links.
#[derive(Debug, Clone, Default)]
pub(super) struct Affixes {
    nodes: Vec<Node>,
    /// The [`head`] of each node, side by side: most of the search needs no more.
    heads: Vec<u128>,
}

#[derive(Debug, Clone)]
struct Node {
    affix: Box<[u8]>,
    parent: Option<usize>,
    entries: Vec<usize>,
}

impl Affixes {
    /// Compiles what is filed under each prefix.
    pub(super) fn new(filed: BTreeMap<Vec<u8>, Vec<usize>>) -> Self {
        let mut nodes: Vec<Node> = Vec::with_capacity(filed.len());
        let mut open: Vec<usize> = Vec::new();
        for (affix, entries) in filed {
            while let Some(&above) = open.last() {
                if affix.starts_with(&nodes[above].affix) {
                    break;
                }
                open.pop();
            }
            let parent = open.last().copied();
            open.push(nodes.len());
            nodes.push(Node {
                affix: affix.into_boxed_slice(),
                parent,
                entries,
            });
        }
        let heads = nodes.iter().map(|node| head(&node.affix)).collect();
        Self { nodes, heads }
    }

    /// Whether nothing is filed.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The entries of every prefix of `text`, the longest prefix first.
    pub(super) fn of<'a>(&'a self, text: &[u8]) -> impl Iterator<Item = &'a [usize]> {
        let last = self.after(text).checked_sub(1);
        let shared = last.map_or(0, |at| shared_prefix(&self.nodes[at].affix, text));
        std::iter::successors(last, |at| self.nodes[*at].parent)
            .map(|at| &self.nodes[at])
            .filter(move |node| node.affix.len() <= shared)
            .map(|node| node.entries.as_slice())
    }

    /// How many prefixes are not greater than `text`.
    fn after(&self, text: &[u8]) -> usize {
        let wanted = head(text);
        let begin = self.heads.partition_point(|head| *head < wanted);
        let same = self.heads[begin..].partition_point(|head| *head == wanted);
        let same = &self.nodes[begin..begin + same];
        begin + same.partition_point(|node| &*node.affix <= text)
    }
}

/// The first bytes as a number. Unequal heads are ordered as their texts are.
fn head(text: &[u8]) -> u128 {
    let mut bytes = [0; size_of::<u128>()];
    for (byte, from) in bytes.iter_mut().zip(text) {
        *byte = *from;
    }
    u128::from_be_bytes(bytes)
}

fn shared_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
