//! The attribute macro of task-sdk: `#[task]`, which is documented there.

mod attributes;
mod expand;
mod units;

use proc_macro::TokenStream;

use attributes::Attributes;

/// Makes a task of a plain function; see the documentation of `task_sdk`.
#[proc_macro_attribute]
pub fn task(attributes: TokenStream, item: TokenStream) -> TokenStream {
    let expanded = Attributes::parse(attributes.into())
        .and_then(|attributes| expand::expand(&attributes, &syn::parse(item.clone())?));
    match expanded {
        Ok(tokens) => tokens.into(),
        // The function stays, so that one fault does not bring errors wherever it is used.
        Err(error) => {
            let mut tokens = TokenStream::from(error.to_compile_error());
            tokens.extend(item);
            tokens
        }
    }
}
