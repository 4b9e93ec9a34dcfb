//! The component, in a host without any import.

use std::fmt;

use anyhow::{Result, anyhow, ensure};
use wasmtime::{
    Engine, Store,
    component::{Component, Instance, Linker, TypedFunc},
};

use crate::artefact;

use super::{CallError, Face};

/// The compiled component, from which any number of instances start.
#[derive(Clone)]
pub struct Compiled {
    engine: Engine,
    component: Component,
}

impl Compiled {
    /// Compiles the component that `cargo xtask build` made.
    ///
    /// # Errors
    ///
    /// If it is missing, is not a component, or imports anything.
    pub fn load() -> Result<Self> {
        let path = artefact::built(artefact::COMPONENT)?;
        let engine = Engine::default();
        let component = Component::from_file(&engine, path).map_err(|error| anyhow!("{error:?}"))?;
        let compiled = Self { engine, component };
        let imports = compiled.imports();
        ensure!(imports.is_empty(), "the component must import nothing, but it imports {}", imports.join(", "));
        Ok(compiled)
    }

    /// Returns the names of the component's imports.
    pub fn imports(&self) -> Vec<String> {
        self.component.component_type().imports(&self.engine).map(|(name, _)| name.to_owned()).collect()
    }

    /// Starts an instance.
    ///
    /// # Errors
    ///
    /// If it needs an import, or does not export `call: func(request: string) -> string`.
    pub fn instance(&self) -> Result<ComponentFace> {
        let mut store = Store::new(&self.engine, ());
        let start = |store: &mut Store<()>| -> wasmtime::Result<_> {
            let instance: Instance = Linker::new(&self.engine).instantiate(&mut *store, &self.component)?;
            instance.get_typed_func(store, "call")
        };
        let call = start(&mut store).map_err(|error| anyhow!("{error:?}"))?;
        Ok(ComponentFace { store, call })
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiled").finish_non_exhaustive()
    }
}

/// An instance of the component.
pub struct ComponentFace {
    store: Store<()>,
    call: TypedFunc<(String,), (String,)>,
}

impl Face for ComponentFace {
    fn exchange(&mut self, call: &str) -> Result<String, CallError> {
        match self.call.call(&mut self.store, (call.to_owned(),)) {
            Ok((answer,)) => Ok(answer),
            Err(error) => Err(CallError::broken(format!("the component trapped: {error:?}"))),
        }
    }
}

impl fmt::Debug for ComponentFace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComponentFace").finish_non_exhaustive()
    }
}
