//! The section of the main page about prompts: every template and its variables.
//!
//! Invariant: generated from the templates themselves, so that none is forgotten.

use super::roff::{entry, roff};
use crate::domain::prompt::{FOLDER, MEANINGS, Template, parts, variables};

/// Returns the section.
pub(super) fn section() -> String {
    let paragraphs = [
        "Prompts are made from templates; `git orchestrate show TASK --prompt` prints the result."
            .to_owned(),
        format!(
            "A file _{FOLDER}/NAME.md_ at the top level of the repository replaces the template \
             NAME. It decides what agents do, so a run starts only after you trust the file: `git \
             orchestrate trust`. A file that does not render, uses a variable that is not listed \
             below, or is not named like a template is an error before anything is launched."
        ),
        format!(
            "Templates are written in Jinja: `{{{{ title }}}}` inserts the title, `{{% if files %}}` \
             is a condition, `{{% for file in files %}}` a loop. `{{% include \"rules\" %}}` inserts \
             a part that templates share ({}), or a built-in template by its name.",
            parts().join(", ")
        ),
        "Keep the parts that say how to answer: `report` in prompts for work, `verdict` in prompts \
         for reviews, and the seven headings of a task plan. An answer in another form is not \
         recognised."
            .to_owned(),
    ];
    let templates = Template::ALL.map(|template| {
        let text = format!("For {}.{}", template.meaning(), known(template));
        entry("B", template.name(), &text)
    });
    let meanings: String =
        MEANINGS.iter().map(|(name, meaning)| entry("B", name, &format!("{meaning}."))).collect();
    format!(
        ".SH PROMPTS\n{}\n.PP\nEvery template about one task has these variables: {}. The \
         templates, with the variables that only some have:\n{}.PP\nThe variables:\n{meanings}",
        paragraphs.map(|text| roff(&text)).join("\n.PP\n"),
        roff(&variables(Template::Implement).join(", ")),
        templates.concat(),
    )
}

/// Returns a sentence with the variables that a template has and most others do not.
fn known(template: Template) -> String {
    let common = variables(Template::Implement);
    let of_it = variables(template);
    let is_about_a_task = common.iter().all(|name| of_it.contains(name));
    let is_listed = |name: &str| {
        let has = |names: &[String]| names.iter().any(|known| known == name);
        has(&of_it) && !(is_about_a_task && has(&common))
    };
    let listed: Vec<&str> =
        MEANINGS.iter().map(|(name, _)| *name).filter(|name| is_listed(name)).collect();
    match (is_about_a_task, listed.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!(" Also has {}.", listed.join(", ")),
        (false, _) => format!(" Has only {}.", listed.join(", ")),
    }
}
