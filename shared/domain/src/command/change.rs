//! What becomes of a field that may be missing.

/// A change of such a field.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It goes.
    Clear,
    /// It becomes this.
    Set(T),
}

impl<T> Change<T> {
    /// What the field is afterwards.
    pub fn over(self, had: Option<T>) -> Option<T> {
        match self {
            Self::Keep => had,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}
