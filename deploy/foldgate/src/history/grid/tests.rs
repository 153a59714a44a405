use super::*;

#[test]
fn columns_are_aligned_by_what_is_seen() {
    let mut grid = Grid::new(&["NAME", "VALUE"]);
    assert!(grid.is_empty());
    grid.row(["新闻".to_owned(), "1".to_owned()]);
    grid.row(["longer name".to_owned(), String::new()]);
    let lines = grid.lines();
    assert_eq!(lines[0], "NAME         VALUE");
    assert_eq!(lines[1], "新闻         1");
    assert_eq!(lines[2], "longer name");
}

#[test]
fn nothing_in_a_cell_can_steer_a_terminal() {
    assert_eq!(shown("a\u{1b}[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
    assert_eq!(shown("\u{202e}abc"), "\\u{202e}abc");
    assert_eq!(shown("\u{9b}"), "\\u{9b}");
}

#[test]
fn a_long_cell_is_cut() {
    let cut = shown(&"x".repeat(500));
    assert_eq!(cut.chars().count(), MAX_CELL + 1);
    assert!(cut.ends_with('…'));
    assert_eq!(shown(&"x".repeat(MAX_CELL)).len(), MAX_CELL);
}
