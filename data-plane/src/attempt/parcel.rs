//! What one key is sent: where it goes, in which clothes, with which body, and how its
//! answer is to be read.

use std::borrow::Cow;

use chrono::Utc;
use foldgate_domain::Leg;
use foldgate_domain::failure::Failure;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::{Call, Miss};
use crate::dialect::gemini::{embeddings, images};
use crate::dialect::{Aim, House, Refusal, Reply, Target, Translation, Wanted, anthropic};
use crate::endpoint::Verb;
use crate::error::Problem;
use crate::pools::Credential;
use crate::splice::Segments;
use crate::transport::headers::{ANTHROPIC_BETA, ANTHROPIC_VERSION, OPENAI_BETA};
use crate::upstream::{Address, Ask, Auth, ModelEdit, Token, Unserved, for_vertex};

/// OpenAI's own host, and those of its models at Azure, which also speak as OpenAI does.
const OWN_HOSTS: [&str; 2] = ["api.openai.com", ".azure.com"];

/// A request for one key, which may be sent again.
pub(super) struct Parcel {
    address: Address,
    body: Segments,
    /// How the answer is translated, if it is.
    pub(super) translation: Option<Translation>,
}

impl Parcel {
    /// What `credential` is sent for a leg whose body is `plain` where the address asks
    /// for nothing else.
    ///
    /// # Errors
    /// Why the key cannot take it. The key does not sleep for it: nothing was asked of
    /// it.
    pub(super) fn new(
        call: &Call<'_>,
        credential: &Credential,
        (leg, plain): (&Leg<'_>, &Segments),
    ) -> Result<Self, Box<Miss>> {
        let endpoint = call.endpoint;
        let from = endpoint.caller();
        let best = credential.dialect(from, endpoint.path, &leg.model);
        let googles = (endpoint.embeds() || endpoint.draws()) && best == Target::Gemini;
        let may_translate = endpoint.converses() || endpoint.counts() || googles;
        let dialect = if may_translate { best } else { from.same() };
        let (id, query) = call.place;
        let path = match id {
            Some(_) => Cow::Owned(endpoint.path_of(id)),
            None => Cow::Borrowed(endpoint.path),
        };
        let ask = Ask {
            path: &path,
            query,
            model: if endpoint.takes.names_model() {
                &leg.model
            } else {
                ""
            },
            stream: call.message.fields.stream,
            dialect,
        };
        let unserved = |why| Box::new(Miss::unserved(why, &call.message.fields.model));
        if dialect != best {
            // Another vendor would take the credential, in the header of this dialect,
            // for a bad one.
            return Err(unserved(Unserved::Endpoint));
        }
        let address = credential.address(endpoint.index, &ask).map_err(unserved)?;
        if dialect != from.same() {
            let translated = Self::translated(call, (address, dialect), &leg.model);
            return translated.map_err(|refusal| Box::new(Miss::untranslated(refusal)));
        }
        let message = call.message;
        let edit = &address.body;
        let ask_usage = call.hide_usage && !edit.old_version;
        let body = match (&edit.model, edit.vertex_version) {
            (ModelEdit::Name(name), true) => for_vertex(message.held(), Some(name)),
            (_, true) => for_vertex(message.held(), None),
            (ModelEdit::Name(name), false) => message.edit(name, ask_usage),
            _ if edit.old_version => message.edit(&leg.model, ask_usage),
            (ModelEdit::Keep | ModelEdit::Remove, false) => plain.clone(),
        };
        Ok(Self {
            address,
            body,
            translation: None,
        })
    }

    fn translated(
        call: &Call<'_>,
        (address, from): (Address, Target),
        model: &str,
    ) -> Result<Self, Refusal> {
        let to = call.endpoint.caller();
        let held = call.message.held();
        let aim = Aim {
            model: match &address.body.model {
                ModelEdit::Name(name) => name,
                ModelEdit::Keep | ModelEdit::Remove => model,
            },
            house: house(&address),
        };
        let mut reply = Reply {
            created: Utc::now().timestamp(),
            include_usage: false,
        };
        let (body, wanted) = if call.endpoint.embeds() {
            let (body, encoding) = embeddings::write(held, &aim)?;
            (body, Wanted::Vectors(encoding))
        } else if call.endpoint.draws() {
            (images::write(held)?, Wanted::Images)
        } else {
            let text = std::str::from_utf8(held).unwrap_or_default();
            let (written, wanted) = if call.endpoint.counts() {
                let request = anthropic::read_count(text)?;
                (from.write_count(&request, &aim, held), Wanted::Count)
            } else {
                let request = to.read_request(text)?;
                reply.include_usage = request.include_usage;
                (from.write_request(&request, &aim, held), Wanted::Answer)
            };
            (written.map_err(|refusal| refusal.named_by(to))?, wanted)
        };
        Ok(Self {
            address,
            body,
            translation: Some(Translation {
                from,
                to,
                wanted,
                reply,
            }),
        })
    }

    /// What the upstream calls the model, where the address says so.
    pub(super) fn upstream(&self) -> Option<&str> {
        match &self.address.body.model {
            ModelEdit::Name(name) => Some(name),
            ModelEdit::Keep | ModelEdit::Remove => None,
        }
    }

    /// Sends it. A token that is refused is got anew, once.
    pub(super) async fn send(
        &self,
        call: &Call<'_>,
        credential: &Credential,
    ) -> Result<Response<Incoming>, Miss> {
        let token = self.token(call, credential).await?;
        let answer = self.send_with(call, credential, token.as_ref()).await?;
        match token {
            Some(token)
                if answer.status() == StatusCode::UNAUTHORIZED && call.message.can_be_sent() =>
            {
                drop(answer);
                credential.forget(&token);
                let token = self.token(call, credential).await?;
                self.send_with(call, credential, token.as_ref()).await
            }
            _ => Ok(answer),
        }
    }

    async fn token(&self, call: &Call<'_>, of: &Credential) -> Result<Option<Token>, Miss> {
        of.token(call.transport).await.map_err(Miss::of)
    }

    async fn send_with(
        &self,
        call: &Call<'_>,
        credential: &Credential,
        token: Option<&Token>,
    ) -> Result<Response<Incoming>, Miss> {
        let mut request = Request::new(call.message.outgoing(&self.body));
        *request.method_mut() = call.endpoint.method.into();
        *request.uri_mut() = self.address.uri.clone();
        let headers: &mut HeaderMap = request.headers_mut();
        headers.clone_from(&call.headers);
        if self.translation.is_some() {
            // They speak of the caller's dialect.
            for name in [ANTHROPIC_BETA, ANTHROPIC_VERSION, OPENAI_BETA] {
                headers.remove(name);
            }
        }
        if call.endpoint.method == Verb::Post && call.message.is_empty() {
            // Many servers want to hear that nothing comes.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        credential.authorize(headers, self.address.auth, token);
        let answer = call.transport.send(request).await;
        answer.map_err(|error| Miss::unsent(&error))
    }
}

impl Miss {
    /// The key cannot take the request, which was not sent.
    fn unserved(why: Unserved, requested: &str) -> Self {
        let problem = match why {
            Unserved::Endpoint => Problem::no_endpoint(requested),
            _ => Problem::no_model(requested),
        };
        Self {
            problem,
            ..Self::of(Failure::not_here(&why.to_string()))
        }
    }

    /// The key's upstream has no word for what the request says.
    fn untranslated(refusal: Refusal) -> Self {
        Self {
            problem: Problem::from(refusal),
            ..Self::of(Failure::not_here("the request cannot be translated"))
        }
    }
}

fn house(address: &Address) -> House {
    match (address.auth, address.body.old_version) {
        (Auth::Token, _) => return House::Vertex,
        (Auth::ApiKey, true) => return House::Older,
        (Auth::ApiKey, false) => return House::Own,
        _ => {}
    }
    let host = address.uri.host().unwrap_or_default();
    let own = |name: &&str| match name.strip_prefix('.') {
        Some(_) => host.ends_with(*name),
        None => host == *name,
    };
    if OWN_HOSTS.iter().any(own) {
        House::Own
    } else {
        House::Alike
    }
}
