//! Lists of what has ids: every key has its own, and a caller sees of them what is its
//! own.

use bytes::Bytes;
use foldgate_domain::Access;

use super::Proxy;
use crate::account::Account;
use crate::admit::Admitted;
use crate::affinity::joined;
use crate::attempt::{Answer, Call, Served, attempt};
use crate::error::Problem;
use crate::route::Plan;

/// The most keys that are asked for a list.
const MAX_ASKED: usize = 16;

impl Proxy {
    /// Asks every key for its list. One that cannot answer is left out, unless none can;
    /// a page of several keys is as long as theirs together.
    pub(super) async fn listed_by_all(
        &self,
        call: &Call<'_>,
        access: &Access<'_>,
        admitted: &Admitted,
        account: &mut Account,
    ) -> Result<Served, Problem> {
        let mut lists: Vec<Bytes> = Vec::new();
        let (mut answered, mut problem) = (None, None);
        for leg in access.each(call.endpoint.name).into_iter().take(MAX_ASKED) {
            let plan = Plan {
                legs: vec![leg],
                routing: None,
                anyway: false,
            };
            match attempt(&call.by(&plan), account).await {
                Err(why) => problem = Some(why),
                Ok(served) => match &served.answer {
                    Answer::Whole { body, .. } => {
                        lists.push(body.clone());
                        answered = Some(served);
                    }
                    _ => return Err(Problem::long_list()),
                },
            }
        }
        let Some(mut served) = answered else {
            return Err(problem.unwrap_or_else(Problem::no_key));
        };
        let mut list = joined(&lists).ok_or_else(Problem::bad_answer)?;
        if !admitted.is_root() {
            let whose = (admitted.owner(), admitted.account());
            let own = self.affinity.own_of(whose, &list);
            list = own.ok_or_else(Problem::bad_answer)?;
        }
        if let Answer::Whole { body, .. } = &mut served.answer {
            *body = list;
        }
        Ok(served)
    }
}
