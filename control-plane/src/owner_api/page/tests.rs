//! Which window a page is, and what the headers say of it.

use super::*;

fn page(page: usize, size: usize) -> Paging {
    Paging { page, size }
}

#[test]
fn without_parameters_it_is_the_first_page_of_the_greatest_size() {
    assert_eq!(Paging::parse("level=2").unwrap(), page(1, MAX_PAGE_SIZE));
}

#[test]
fn a_size_alone_is_its_first_page_and_a_page_alone_has_the_usual_size() {
    assert_eq!(Paging::parse("size=5").unwrap(), page(1, 5));
    assert_eq!(Paging::parse("page=3").unwrap(), page(3, DEFAULT_PAGE_SIZE));
    assert_eq!(page(3, 5).window(), (10, 5));
}

#[test]
fn sizes_and_pages_out_of_range_are_refused() {
    for query in [
        "size=0",
        "size=1001",
        "size=x",
        "page=0",
        "page=-1",
        "page=%2B1",
        "size=%2B5",
        "page=1.5",
    ] {
        assert!(Paging::parse(query).is_err(), "{query}");
    }
    assert!(Paging::parse("size=1000").is_ok());
}

#[test]
fn the_last_page_does_not_overflow() {
    let last = page(usize::MAX, MAX_PAGE_SIZE);
    assert_eq!(last.window(), (usize::MAX, MAX_PAGE_SIZE));
}

#[test]
fn headers_count() {
    let told = |paging: Paging, total: usize| {
        let headers = paging.headers(total);
        ["x-total-count", "x-page", "x-per-page", "x-total-pages"]
            .map(|name| headers[name].to_str().unwrap().to_owned())
    };
    assert_eq!(told(page(2, 10), 21), ["21", "2", "10", "3"]);
    assert_eq!(told(page(1, 1000), 1001), ["1001", "1", "1000", "2"]);
    assert_eq!(told(page(1, 1000), 0), ["0", "1", "1000", "1"]);
}
