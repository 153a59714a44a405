//! axum's method routers do not tell which methods they answer to; these do, so
//! that the API's document is made by walking what is really mounted. They are
//! written as axum's own are.

use axum::handler::Handler;
use axum::routing::MethodRouter;

use crate::app::App;

/// What one path answers to.
#[derive(Clone)]
pub(crate) struct Methods {
    router: MethodRouter<App>,
    names: Vec<&'static str>,
}

macro_rules! methods {
    ($($method:ident = $name:literal,)*) => {
        impl Methods {
            $(
                #[doc = concat!("Answers to ", $name, " as well.")]
                pub(crate) fn $method<H, T>(mut self, handler: H) -> Self
                where
                    H: Handler<T, App>,
                    T: 'static,
                {
                    self.names.push($name);
                    Self { router: self.router.$method(handler), names: self.names }
                }
            )*
        }
    };
}

methods! {
    get = "GET",
    post = "POST",
    put = "PUT",
    delete = "DELETE",
}

/// A path that answers to GET.
pub(crate) fn get<H, T>(handler: H) -> Methods
where
    H: Handler<T, App>,
    T: 'static,
{
    Methods::none().get(handler)
}

/// A path that answers to POST.
pub(crate) fn post<H, T>(handler: H) -> Methods
where
    H: Handler<T, App>,
    T: 'static,
{
    Methods::none().post(handler)
}

impl Methods {
    fn none() -> Self {
        Self {
            router: MethodRouter::new(),
            names: Vec::new(),
        }
    }

    /// The methods, without the HEAD that comes with every GET.
    pub(crate) fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// To be mounted.
    pub(crate) fn into_router(self) -> MethodRouter<App> {
        self.router
    }
}
