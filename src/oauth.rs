//! OAuth as requests and answers: `login` makes logins, `refresh` renews their tokens. `flow` is the data of providers
//! that both go by, `token_answer` reads what a token endpoint sent.

pub(crate) mod flow;
pub(crate) mod login;
pub(crate) mod refresh;
mod token_answer;
