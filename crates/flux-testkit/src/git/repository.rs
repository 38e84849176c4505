//! A bare repository that tests write to, with the git command line.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Who commits and tags.
const IDENTITY: &str = "Sample Author <author@example.com>";

/// A bare repository. All methods block the thread while git runs.
#[derive(Debug, Clone)]
pub struct GitRepository {
    path: PathBuf,
}

/// One change of a commit. Paths are relative to the repository's root.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// Makes or replaces a file.
    File(&'a str, &'a [u8]),
    /// Makes or replaces a file that may be executed.
    Executable(&'a str, &'a [u8]),
    /// Makes or replaces a symbolic link to a target.
    Link(&'a str, &'a str),
    /// Makes a path a submodule at a commit. `.gitmodules` is a file of its own.
    Submodule(&'a str, &'a str),
    /// Removes a file, or a folder with all that is in it.
    Delete(&'a str),
}

impl GitRepository {
    /// Makes an empty bare repository whose HEAD names the branch `main`. Pushes over HTTP and partial clones are allowed,
    /// as large hosts do.
    pub fn create(path: &Path) -> Result<Self> {
        let repository = Self { path: path.to_path_buf() };
        let parent = path.parent().context("a repository's path has a parent")?;
        std::fs::create_dir_all(parent).with_context(|| format!("make {}", parent.display()))?;
        let path = path.to_str().context("a repository's path is not UTF-8")?;
        run(Path::new("/"), &["init", "--quiet", "--bare", "--initial-branch=main", path], b"")?;
        repository.configure("http.receivepack", "true")?;
        repository.configure("uploadpack.allowFilter", "true")?;
        repository.configure("gc.auto", "0")?;
        Ok(repository)
    }

    /// The bare repository's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sets one of the repository's options, such as `uploadpack.allowAnySHA1InWant`.
    pub fn configure(&self, name: &str, value: &str) -> Result<()> {
        self.git(&["config", name, value]).map(drop)
    }

    /// Commits changes on top of a branch, which the first commit makes, and returns the commit's id.
    pub fn commit(&self, branch: &str, message: &str, changes: &[Change<'_>]) -> Result<String> {
        let name = format!("refs/heads/{branch}");
        let parent = self.resolve(&name).ok();
        let stream = import_stream(&name, parent.as_deref(), message, changes)?;
        self.git_with_input(&["fast-import", "--quiet", "--date-format=now", "--force"], &stream)?;
        self.resolve(&name)
    }

    /// Commits text files: see [`Self::commit`].
    pub fn commit_files(&self, branch: &str, message: &str, files: &[(&str, &str)]) -> Result<String> {
        let changes: Vec<_> = files.iter().map(|(path, text)| Change::File(path, text.as_bytes())).collect();
        self.commit(branch, message, &changes)
    }

    /// Commits all files below a folder, under `prefix` when it is not empty.
    pub fn commit_folder(&self, branch: &str, message: &str, folder: &Path, prefix: &str) -> Result<String> {
        let files = folder_files(folder, prefix)?;
        let changes: Vec<_> = files.iter().map(|(path, content)| Change::File(path, content)).collect();
        self.commit(branch, message, &changes)
    }

    /// Like [`Self::commit`], with the signature that `sign` makes of the commit's bytes.
    pub fn commit_signed(
        &self,
        branch: &str,
        message: &str,
        changes: &[Change<'_>],
        sign: impl FnOnce(&[u8]) -> Result<String>,
    ) -> Result<String> {
        let unsigned = self.commit(branch, message, changes)?;
        let payload = self.git_with_input(&["cat-file", "commit", &unsigned], b"")?;
        let signature = sign(&payload)?;
        let headers_end = find(&payload, b"\n\n").context("a commit has no empty line")? + 1;
        let mut signed = payload[..headers_end].to_vec();
        let folded = signature.trim_end().replace('\n', "\n ");
        signed.extend_from_slice(format!("gpgsig {folded}\n").as_bytes());
        signed.extend_from_slice(&payload[headers_end..]);
        let id = self.write_object("commit", &signed)?;
        self.update_ref(&format!("refs/heads/{branch}"), &id)?;
        Ok(id)
    }

    /// Points a lightweight tag at an object.
    pub fn tag(&self, name: &str, target: &str) -> Result<()> {
        self.update_ref(&format!("refs/tags/{name}"), target)
    }

    /// Makes an annotated tag of a commit and returns the tag object's id.
    pub fn tag_annotated(&self, name: &str, target: &str, message: &str) -> Result<String> {
        self.tag_with(name, target, message, |_| Ok(String::new()))
    }

    /// Makes an annotated tag with the signature that `sign` makes of its bytes, and returns the tag object's id.
    pub fn tag_signed(
        &self,
        name: &str,
        target: &str,
        message: &str,
        sign: impl FnOnce(&[u8]) -> Result<String>,
    ) -> Result<String> {
        self.tag_with(name, target, message, sign)
    }

    /// Makes a branch, or moves it, to a commit.
    pub fn branch(&self, name: &str, commit: &str) -> Result<()> {
        self.update_ref(&format!("refs/heads/{name}"), commit)
    }

    /// Sets a full ref name to an object, whatever it was.
    pub fn update_ref(&self, name: &str, object: &str) -> Result<()> {
        self.git(&["update-ref", name, object]).map(drop)
    }

    /// Removes a full ref name.
    pub fn delete_ref(&self, name: &str) -> Result<()> {
        self.git(&["update-ref", "-d", name]).map(drop)
    }

    /// Makes HEAD name a branch, whether it exists or not.
    pub fn set_default_branch(&self, branch: &str) -> Result<()> {
        self.git(&["symbolic-ref", "HEAD", &format!("refs/heads/{branch}")]).map(drop)
    }

    /// The id of the object that a revision names.
    pub fn resolve(&self, revision: &str) -> Result<String> {
        self.git(&["rev-parse", "--verify", "--quiet", revision])
    }

    /// A file's content at a revision.
    pub fn read(&self, revision: &str, path: &str) -> Result<Vec<u8>> {
        self.git_with_input(&["cat-file", "blob", &format!("{revision}:{path}")], b"")
    }

    /// Packs all objects into one pack.
    pub fn repack(&self) -> Result<()> {
        self.git(&["repack", "-a", "-d", "--quiet"]).map(drop)
    }

    /// Writes an object of a type as it is and returns its id.
    pub fn write_object(&self, kind: &str, content: &[u8]) -> Result<String> {
        let id = self.git_with_input(&["hash-object", "-t", kind, "-w", "--stdin"], content)?;
        Ok(String::from_utf8(id)?.trim().to_owned())
    }

    /// Runs git in the repository and returns what it writes to standard output, without the final line break.
    pub fn git(&self, args: &[&str]) -> Result<String> {
        git(&self.path, args)
    }

    fn git_with_input(&self, args: &[&str], input: &[u8]) -> Result<Vec<u8>> {
        run(&self.path, args, input)
    }

    fn tag_with(
        &self,
        name: &str,
        target: &str,
        message: &str,
        sign: impl FnOnce(&[u8]) -> Result<String>,
    ) -> Result<String> {
        let target = self.resolve(&format!("{target}^{{}}"))?;
        let kind = self.git(&["cat-file", "-t", &target])?;
        let seconds = self.git(&["log", "-1", "--format=%ct", &target])?;
        let mut text = format!("object {target}\ntype {kind}\ntag {name}\n");
        writeln!(text, "tagger {IDENTITY} {seconds} +0000\n\n{message}")?;
        let signature = sign(text.as_bytes())?;
        text.push_str(&signature);
        let id = self.write_object("tag", text.as_bytes())?;
        self.tag(name, &id)?;
        Ok(id)
    }
}

fn import_stream(branch: &str, parent: Option<&str>, message: &str, changes: &[Change<'_>]) -> Result<Vec<u8>> {
    let mut stream = Vec::new();
    writeln!(stream, "commit {branch}\ncommitter {IDENTITY} now\ndata {}\n{message}", message.len() + 1)?;
    if let Some(parent) = parent {
        writeln!(stream, "from {parent}")?;
    }
    for change in changes {
        match *change {
            Change::File(path, content) => write_blob(&mut stream, "100644", path, content)?,
            Change::Executable(path, content) => write_blob(&mut stream, "100755", path, content)?,
            Change::Link(path, target) => write_blob(&mut stream, "120000", path, target.as_bytes())?,
            Change::Submodule(path, commit) => writeln!(stream, "M 160000 {commit} {}", quote(path))?,
            Change::Delete(path) => writeln!(stream, "D {}", quote(path))?,
        }
    }
    Ok(stream)
}

fn write_blob(stream: &mut Vec<u8>, mode: &str, path: &str, content: &[u8]) -> Result<()> {
    writeln!(stream, "M {mode} inline {}\ndata {}", quote(path), content.len())?;
    stream.extend_from_slice(content);
    stream.push(b'\n');
    Ok(())
}

/// A path as git fast-import reads any of them.
fn quote(path: &str) -> String {
    format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// Path and content of all files below a folder, the paths under `prefix` when it is not empty.
pub fn folder_files(folder: &Path, prefix: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    read_folder(folder, prefix, &mut files)?;
    Ok(files)
}

fn read_folder(folder: &Path, prefix: &str, files: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().into_string().ok().context("a file name is not UTF-8")?;
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if entry.file_type()?.is_dir() {
            read_folder(&entry.path(), &path, files)?;
        } else {
            let content = std::fs::read(entry.path()).with_context(|| format!("read {}", entry.path().display()))?;
            files.push((path, content));
        }
    }
    Ok(())
}

/// Runs git in a folder, apart from the user's configuration and proxies, and returns what it writes to standard output,
/// without the final line break.
pub fn git(folder: &Path, args: &[&str]) -> Result<String> {
    Ok(String::from_utf8(run(folder, args, b"")?)?.trim_end().to_owned())
}

fn run(folder: &Path, args: &[&str], input: &[u8]) -> Result<Vec<u8>> {
    let mut command = Command::new("git");
    command.args(args).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
    command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    let mut child = command.spawn().context("start git, which must be installed")?;
    let mut stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            // Git may end without reading everything, and says why itself.
            stdin.take().map(|mut stdin| stdin.write_all(input))
        });
        child.wait_with_output()
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("git {} in {} ended with {}: {}", args.join(" "), folder.display(), output.status, said.trim());
    }
    Ok(output.stdout)
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
