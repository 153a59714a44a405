//! Where the admin API has keys, of either sort: what each place answers to, who may
//! call it and how it is documented is derived from here. (Those of definitions follow
//! from the domain's registry.)

/// The routes of one sort of keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// The route of all of them.
    pub all: &'static str,
    /// The route of one.
    pub one: &'static str,
    /// Where one is drawn anew, if that can be.
    pub rotate: Option<&'static str>,
}

macro_rules! place {
    ($all:literal) => {
        Place {
            all: $all,
            one: concat!($all, "/{id}"),
            rotate: None,
        }
    };
    ($all:literal, rotate) => {
        Place {
            rotate: Some(concat!($all, "/{id}/rotate")),
            ..place!($all)
        }
    };
}

/// Caller keys: their path, and the other one that the public contract knows.
pub(crate) const API_KEYS: [Place; 2] = [
    place!("/admin/v1/api_keys", rotate),
    place!("/admin/v1/apikeys", rotate),
];

/// Provider keys.
pub(crate) const PROVIDER_KEYS: Place = place!("/admin/v1/provider_keys");

/// All of them.
pub(crate) fn of_keys() -> impl Iterator<Item = Place> {
    API_KEYS.into_iter().chain([PROVIDER_KEYS])
}
