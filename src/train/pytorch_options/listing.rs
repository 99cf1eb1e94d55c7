//! Options as text: a listing of `name: value [default: …]` between rules of
//! dashes, or flags as a command line has them.

use super::OptionsError;

/// One option.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    pub name: String,
    pub value: String,
    /// Whether it is said to differ from the default; a flag always is.
    pub changed: bool,
}

/// The options that `text` holds, in its order.
///
/// # Errors
/// When a part of it is no option, or there is none.
pub fn read(text: &str) -> Result<Vec<Given>, OptionsError> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty() && !is_rule(line)).collect();
    let listed: Vec<_> = lines.iter().map(|line| listed(line)).collect();
    let options = if listed.iter().any(Option::is_some) {
        let form = |(line, found): (&&str, Option<Given>)| found.ok_or_else(|| OptionsError::Form(shortened(line)));
        lines.iter().zip(listed).map(form).collect::<Result<Vec<_>, _>>()?
    } else {
        flags(&lines)?
    };
    if options.is_empty() { Err(OptionsError::Empty) } else { Ok(options) }
}

/// `----------------- Options ---------------`
fn is_rule(line: &str) -> bool {
    line.starts_with("---") && line.ends_with("---")
}

fn listed(line: &str) -> Option<Given> {
    let (name, rest) = line.split_once(':')?;
    let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let (value, changed) = match rest.rsplit_once("[default:") {
        Some((value, _)) => (value, true),
        None => (rest, false),
    };
    named.then(|| Given { name: name.to_owned(), value: value.trim().to_owned(), changed })
}

fn flags(lines: &[&str]) -> Result<Vec<Given>, OptionsError> {
    let words: Vec<&str> = lines
        .iter()
        .flat_map(|line| line.strip_suffix('\\').unwrap_or(line).split_whitespace())
        .map(|word| word.trim_matches(['"', '\'']))
        .collect();
    // What runs the program (`python`, `torchrun --nproc_per_node=2`), and the program.
    let start = words.iter().position(|word| word.ends_with(".py")).map_or(0, |program| program + 1);
    let mut words = words[start..].iter().peekable();
    let mut options = Vec::new();
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix("--") else { return Err(OptionsError::Form(shortened(word))) };
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, value),
            None => (flag, words.next_if(|next| !next.starts_with("--")).copied().unwrap_or("True")),
        };
        options.push(Given { name: name.to_owned(), value: value.to_owned(), changed: true });
    }
    Ok(options)
}

/// Fit for one line of a message.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    format!("{:?}", text.chars().take(LONGEST).collect::<String>())
}
