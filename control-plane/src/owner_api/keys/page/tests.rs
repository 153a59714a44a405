//! Which window a page is, and what the headers say of it.

use super::*;

fn page(page: usize, size: usize) -> Paging {
    Paging::Page { page, size }
}

#[test]
fn without_parameters_all_is_shown() {
    assert_eq!(Paging::parse("level=2").unwrap(), Paging::All);
    assert_eq!(Paging::All.window(7), (0, 7));
}

#[test]
fn a_size_alone_is_its_first_page_and_a_page_alone_has_the_usual_size() {
    assert_eq!(Paging::parse("size=5").unwrap(), page(1, 5));
    assert_eq!(Paging::parse("page=3").unwrap(), page(3, DEFAULT_PAGE_SIZE));
    assert_eq!(page(3, 5).window(100), (10, 5));
}

#[test]
fn sizes_and_pages_out_of_range_are_refused() {
    for query in [
        "size=0",
        "size=1001",
        "size=x",
        "page=0",
        "page=-1",
        "page=1.5",
    ] {
        assert!(Paging::parse(query).is_err(), "{query}");
    }
    assert!(Paging::parse("size=1000").is_ok());
}

#[test]
fn the_last_page_does_not_overflow() {
    let last = page(usize::MAX, MAX_PAGE_SIZE);
    assert_eq!(last.window(10), (usize::MAX, MAX_PAGE_SIZE));
}

#[test]
fn headers_count() {
    let told = |paging: Paging, total: usize| {
        let headers = paging.headers(total);
        ["x-total-count", "x-page", "x-per-page", "x-total-pages"]
            .map(|name| headers[name].to_str().unwrap().to_owned())
    };
    assert_eq!(told(page(2, 10), 21), ["21", "2", "10", "3"]);
    assert_eq!(told(Paging::All, 3), ["3", "1", "3", "1"]);
    assert_eq!(told(Paging::All, 0), ["0", "1", "0", "1"]);
}
