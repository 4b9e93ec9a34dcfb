//! What the project ships: the npm package and the component, in `pkg/dist`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use walrus::Module;
use wasm_bindgen_cli_support::Bindgen;
use wit_component::{ComponentEncoder, DecodedWasm, decode};

use crate::{run, setup, stamp::Inputs, trap, workspace};

/// Builds what JavaScript hosts load.
///
/// # Errors
///
/// If a step fails.
pub(crate) fn npm_package() -> Result<()> {
    setup::node()?;
    setup::npm_packages("pkg")?;
    let dist = workspace::dist();
    glue(&Face { package: "credential-pool-js", features: &[], made: Made::Fast, folder: dist.clone() })?;
    Inputs::default()
        .path(&workspace::package().join("src"))?
        .path(&workspace::package().join("tsconfig.json"))?
        .path(&lock_file())?
        .path(&dist.join("credential_pool.d.ts"))?
        .make(&stamp("loaders"), &LOADERS.map(|name| dist.join(name)).each_ref().map(PathBuf::as_path), loaders)?;
    licences(&dist)
}

/// Builds the component, which imports nothing.
///
/// # Errors
///
/// If a step fails, or it does import something.
pub(crate) fn component() -> Result<()> {
    let wasm = wasm("credential-pool-component", &[], Made::Fast)?;
    let (core, component) = (workspace::dist().join(CORE_WASM), workspace::dist().join(COMPONENT));
    Inputs::default().path(&wasm)?.make(&stamp("component"), &[&core, &component], || {
        eprintln!("build: the component");
        let module = fs::read(&wasm)?;
        let encoded = ComponentEncoder::default().validate(true).module(&module)?.encode()?;
        let imports = imports(&encoded)?;
        ensure!(imports.is_empty(), "the component must import nothing, but it imports {}", imports.join(", "));
        fs::create_dir_all(workspace::dist())?;
        fs::write(&core, module).and_then(|()| fs::write(&component, encoded)).context("cannot write to pkg/dist")
    })
}

/// A crate that JavaScript loads as wasm.
pub(crate) struct Face {
    /// The crate.
    pub(crate) package: &'static str,
    /// Its features.
    pub(crate) features: &'static [&'static str],
    /// What it is built for.
    pub(crate) made: Made,
    /// Where it goes.
    pub(crate) folder: PathBuf,
}

/// What a wasm is built for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// To run fast.
    Fast,
    /// To load fast: a panic is a trap without words.
    Small,
}

impl Made {
    /// Settings of cargo. Both kinds are of one profile, so that they share the compiled macros.
    const fn cargo_settings(self) -> &'static [&'static str] {
        match self {
            Self::Fast => &[],
            Self::Small => &["--config", "profile.release.opt-level='z'"],
        }
    }

    /// For `RUSTFLAGS`: SHA-256 as loops, and nothing inlined that makes more of it.
    const fn compiler_flags(self) -> &'static str {
        match self {
            Self::Fast => "",
            Self::Small => r#"--cfg sha2_backend_soft="compact" -Cllvm-args=-inline-threshold=0"#,
        }
    }

    /// Without `-all`, for Node 20 rejects what that makes.
    const fn wasm_opt(self) -> &'static [&'static str] {
        match self {
            Self::Fast => &["-O3"],
            Self::Small => &[
                "-Oz",
                "--converge",
                "--low-memory-unused",
                "--zero-filled-memory",
                "--strip-producers",
                "--strip-target-features",
            ],
        }
    }
}

/// Builds a face: wasm-bindgen's JavaScript and types, and the wasm made small.
///
/// # Errors
///
/// If a step fails.
pub(crate) fn glue(face: &Face) -> Result<()> {
    let wasm = wasm(face.package, face.features, face.made)?;
    let js_wasm = face.folder.join(JS_WASM);
    let (inputs, stamp) = (Inputs::default().path(&wasm)?.path(&lock_file())?, face.folder.join(".glue.stamp"));
    inputs.setting(&face.made.wasm_opt().join(" ")).make(&stamp, &[&face.folder.join(GLUE), &js_wasm], || {
        eprintln!("build: the wasm of `{}`, features [{}]", face.package, face.features.join(", "));
        let mut module = Module::from_file(&wasm)?;
        if face.made == Made::Small {
            trap::without_words(&mut module);
        }
        Bindgen::new()
            .input_module("credential_pool", module)
            .web(true)?
            .omit_default_module_path(true)
            .typescript(true)
            .generate(&face.folder)
            .context("wasm-bindgen cannot make the JavaScript")?;
        let mut wasm_opt = workspace::npm_tool("binaryen/bin/wasm-opt");
        run::output(wasm_opt.args(face.made.wasm_opt()).arg(&js_wasm).arg("-o").arg(&js_wasm)).map(drop)
    })
}

const LOADERS: [&str; 8] = [
    "node.js",
    "node-file-store.js",
    "node-login.js",
    "node-redis-store.js",
    "deno.js",
    "deno-file-store.js",
    "deno-login.js",
    "deno-redis-store.js",
];
const GLUE: &str = "credential_pool.js";
const JS_WASM: &str = "credential_pool_bg.wasm";
const CORE_WASM: &str = "credential_pool.core.wasm";
const COMPONENT: &str = "credential_pool.component.wasm";

/// Builds the wasm of a crate.
fn wasm(package: &str, features: &[&str], made: Made) -> Result<PathBuf> {
    setup::wasm_target()?;
    let mut cargo = workspace::cargo();
    if !made.compiler_flags().is_empty() {
        let flags = [env::var("RUSTFLAGS").unwrap_or_default().as_str(), made.compiler_flags()].join(" ");
        cargo.env("RUSTFLAGS", flags);
    }
    run::shown(
        cargo
            .args(["build", "--release", "--lib", "--package", package, "--target", setup::WASM])
            .args(["--no-default-features", "--features", &features.join(",")])
            .args(made.cargo_settings()),
    )?;
    let file = format!("{}.wasm", package.replace('-', "_"));
    Ok(workspace::target()?.join(setup::WASM).join("release").join(file))
}

/// Compiles the entries and their imports from TypeScript.
fn loaders() -> Result<()> {
    eprintln!("build: the entries for Node, Deno and browsers");
    let dist = workspace::dist();
    for file in fs::read_dir(&dist)? {
        let path = file?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // What a source that is gone has left would be shipped.
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else if !name.starts_with("credential_pool") && (name.ends_with(".js") || name.ends_with(".d.ts")) {
            fs::remove_file(path)?;
        }
    }
    run::output(workspace::npm_tool("typescript/bin/tsc").arg("--project").arg(workspace::package()))?;
    // TypeScript does not know `import source`.
    for name in LOADERS.iter().filter(|name| name.starts_with("deno")) {
        let source = workspace::package().join("src").join(name);
        fs::copy(&source, dist.join(name)).with_context(|| format!("cannot copy {}", source.display()))?;
    }
    Ok(())
}

/// Copies the licences into what a package ships.
///
/// # Errors
///
/// If a file cannot be read or written.
pub(crate) fn licences(dist: &Path) -> Result<()> {
    for file in fs::read_dir(workspace::root())? {
        let file = file?;
        if file.file_name().to_string_lossy().starts_with("LICENSE") {
            fs::copy(file.path(), dist.join(file.file_name())).context("cannot copy a licence")?;
        }
    }
    Ok(())
}

fn imports(component: &[u8]) -> Result<Vec<String>> {
    let DecodedWasm::Component(resolve, world) = decode(component)? else { bail!("this is no component") };
    let world = resolve.worlds.get(world).context("the component has no world")?;
    Ok(world.imports.keys().map(|key| resolve.name_world_key(key)).collect())
}

/// Returns a table with the size of each wasm, and with the compressed size of the wasm that a browser fetches.
///
/// # Errors
///
/// If a wasm is not built, or Node cannot measure it.
pub(crate) fn sizes() -> Result<String> {
    const MEASURE: &str = "
        const { readFileSync } = require('node:fs');
        const { brotliCompressSync } = require('node:zlib');
        const kilobytes = (bytes) => (bytes.length / 1000).toFixed(1).padStart(7) + ' KB';
        const [fetched, ...others] = process.argv.slice(1).map((name) => [name.padEnd(32), readFileSync(name)]);
        console.log(fetched[0] + kilobytes(fetched[1]) + kilobytes(brotliCompressSync(fetched[1])) + ' as brotli');
        for (const [name, bytes] of others) console.log(name + kilobytes(bytes));";
    let dist = workspace::dist();
    let measured = dist.join(".sizes");
    let files = [JS_WASM, CORE_WASM, COMPONENT];
    let inputs = files.iter().try_fold(Inputs::default(), |inputs, file| inputs.path(&dist.join(file)))?;
    inputs.make(&stamp("sizes"), &[&measured], || {
        let sizes = run::output(Command::new("node").args(["--eval", MEASURE]).args(files).current_dir(&dist))?;
        Ok(fs::write(&measured, sizes)?)
    })?;
    Ok(fs::read_to_string(&measured)?)
}

/// Beside what it is about, whatever folder cargo builds in; names with a dot first are not shipped.
fn stamp(name: &str) -> PathBuf {
    workspace::dist().join(format!(".{name}.stamp"))
}

fn lock_file() -> PathBuf {
    workspace::package().join("package-lock.json")
}
