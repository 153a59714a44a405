//! Paging of lists, and the headers that tell about it.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::Error;
use crate::request::quote::quoted;

/// The largest page; at about 400 bytes a key, or 1,500 an account, it
/// stays under two megabytes.
pub(crate) const MAX_PAGE_SIZE: usize = 1000;

/// The page size when only `page` is given.
pub(crate) const DEFAULT_PAGE_SIZE: usize = 100;

/// Which part of the list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paging {
    /// Which page, from 1.
    page: usize,
    /// How many per page.
    size: usize,
}

impl Paging {
    /// Reads the query parameters `page` and `size`.
    ///
    /// # Errors
    /// A page of 0, a size outside 1 to [`MAX_PAGE_SIZE`], no number.
    pub(crate) fn parse(query: &str) -> Result<Self, Error> {
        let mut page = None;
        let mut size = None;
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "page" if !value.is_empty() => page = Some(positive("page", &value, usize::MAX)?),
                "size" if !value.is_empty() => {
                    size = Some(positive("size", &value, MAX_PAGE_SIZE)?);
                }
                _ => {}
            }
        }
        // A plain list is as long as a page can be; most owners see all of theirs.
        let usual = if page.is_some() {
            DEFAULT_PAGE_SIZE
        } else {
            MAX_PAGE_SIZE
        };
        Ok(Self {
            page: page.unwrap_or(1),
            size: size.unwrap_or(usual),
        })
    }

    /// How many items to skip, how many to take.
    pub(crate) const fn window(self) -> (usize, usize) {
        ((self.page - 1).saturating_mul(self.size), self.size)
    }

    /// The headers `X-Total-Count`, `X-Page`, `X-Per-Page`, `X-Total-Pages`.
    pub(crate) fn headers(self, total: usize) -> HeaderMap {
        let Self { page, size } = self;
        let pages = total.div_ceil(size.max(1)).max(1);
        let values = [
            ("x-total-count", total),
            ("x-page", page),
            ("x-per-page", size),
            ("x-total-pages", pages),
        ];
        values
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from(value)))
            .collect()
    }
}

fn positive(name: &str, text: &str, max: usize) -> Result<usize, Error> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits && (1..=max).contains(&number) => Ok(number),
        _ if max == usize::MAX => {
            let problem = format!("{:?} is no page number from 1", quoted(text));
            Err(Error::field(name, problem))
        }
        _ => {
            let problem = format!("{:?} is no number from 1 to {max}", quoted(text));
            Err(Error::field(name, problem))
        }
    }
}

#[cfg(test)]
mod tests;
