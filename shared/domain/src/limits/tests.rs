mod among_others;
mod at_once;
mod bounds;
mod ledger;
mod shown;
