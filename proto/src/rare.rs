//! Parts that most resources go without.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that is mostly blank, of which many are held: a blank one takes no more
/// room than a pointer. It reads, compares and is written as the value itself.
pub struct Rare<T>(Option<Box<T>>);

/// What may be [`Rare`].
pub trait Blank: PartialEq + 'static {
    /// The value that takes no room.
    fn blank() -> &'static Self;
}

impl Blank for String {
    fn blank() -> &'static Self {
        const { &Self::new() }
    }
}

impl<K: PartialEq + 'static, V: PartialEq + 'static> Blank for BTreeMap<K, V> {
    fn blank() -> &'static Self {
        const { &Self::new() }
    }
}

impl<V: PartialEq + 'static> Blank for BTreeSet<V> {
    fn blank() -> &'static Self {
        const { &Self::new() }
    }
}

impl<V: PartialEq + 'static> Blank for Vec<V> {
    fn blank() -> &'static Self {
        const { &Self::new() }
    }
}

impl<T: Blank> Rare<T> {
    /// Whether it is blank.
    pub fn is_blank(&self) -> bool {
        **self == *T::blank()
    }
}

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Blank> From<T> for Rare<T> {
    fn from(value: T) -> Self {
        let blank = value == *T::blank();
        Self((!blank).then(|| Box::new(value)))
    }
}

impl<T: Blank> Deref for Rare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            None => T::blank(),
        }
    }
}

impl<T: Blank + Default> DerefMut for Rare<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

impl<T: Blank + Clone> Clone for Rare<T> {
    fn clone(&self) -> Self {
        // What was blanked since sheds its box.
        if self.is_blank() {
            Self(None)
        } else {
            Self(self.0.clone())
        }
    }
}

impl<T: Blank> PartialEq for Rare<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Blank + Eq> Eq for Rare<T> {}

impl<T: Blank + fmt::Debug> fmt::Debug for Rare<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[expect(
    clippy::into_iter_without_iter,
    reason = "the value's own `iter` is there by dereferencing"
)]
impl<'a, T: Blank> IntoIterator for &'a Rare<T>
where
    &'a T: IntoIterator,
{
    type Item = <&'a T as IntoIterator>::Item;
    type IntoIter = <&'a T as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        (**self).into_iter()
    }
}

impl<T: Blank + Serialize> Serialize for Rare<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Blank + Deserialize<'de>> Deserialize<'de> for Rare<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests;
