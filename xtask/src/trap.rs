//! Panics without words, for wasm that must load fast: what they say is more code than what they guard.

use rustc_demangle::demangle;
use walrus::{FunctionBuilder, FunctionKind, LocalFunction, Module, ModuleTypes};

/// Makes everything that only panics run a trap at once, so that nothing needs what it would have said.
pub(crate) fn without_words(module: &mut Module) {
    let Module { funcs, types, .. } = module;
    for function in funcs.iter_mut() {
        let says = function.name.as_deref().is_some_and(|name| is_of_a_panic(&format!("{:#}", demangle(name))));
        if says && let FunctionKind::Local(local) = &mut function.kind {
            *local = trap(types, local);
        }
    }
}

/// Whether a function of this name runs in a panic only. Of `Debug` a message of the library may have that of a text.
fn is_of_a_panic(name: &str) -> bool {
    const PARTS: [&str; 7] = [
        "core::panicking::",
        "std::panicking::",
        "core::fmt::builders::",
        "<core::fmt::Formatter>::debug_",
        "::rust_oom",
        "::rust_begin_unwind",
        "::panic_access_error",
    ];
    const ENDS: [&str; 9] = [
        " as core::fmt::Debug>::fmt",
        "::slice_error_fail",
        "::slice_error_fail_rt",
        "::slice_index_fail",
        "::unwrap_failed",
        "::expect_failed",
        "::assert_failed",
        "::len_mismatch_fail",
        "::handle_alloc_error",
    ];
    const TEXTS: [&str; 3] = ["<str as ", "<alloc::string::String as ", "<&"];
    if TEXTS.iter().any(|text| name.starts_with(text)) {
        return false;
    }
    PARTS.iter().any(|part| name.contains(part)) || ENDS.iter().any(|end| name.ends_with(end))
}

fn trap(types: &mut ModuleTypes, was: &LocalFunction) -> LocalFunction {
    let (params, results) = types.params_results(was.ty());
    let (params, results) = (params.to_vec(), results.to_vec());
    let mut builder = FunctionBuilder::new(types, &params, &results);
    builder.func_body().unreachable();
    builder.local_func(was.args.clone())
}
