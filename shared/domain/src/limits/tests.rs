mod among_others;
mod bounds;
mod ledger;
mod shown;
