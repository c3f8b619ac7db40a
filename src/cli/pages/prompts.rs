//! The section of the main page about prompts: every template, and what each may name.
//!
//! Invariant: read from the templates themselves, so that none is forgotten.

use super::roff::{entry, roff};
use crate::domain::prompt::{FOLDER, MEANINGS, Template, parts, variables};

/// Lists the templates and what they may name.
pub(super) fn section() -> String {
    let paragraphs = [
        "What agents are told is made from templates; `git orchestrate show TASK --prompt` prints \
         what it came to."
            .to_owned(),
        format!(
            "A file _{FOLDER}/NAME.md_ at the top level of the repository takes the place of the \
             template NAME. Whoever writes it decides what agents do, so a run begins only when it \
             was trusted: `git orchestrate trust`. One that does not render, that names something \
             else than the variables below, or that has no template's name, is an error before \
             anything is launched."
        ),
        format!(
            "The language is that of Jinja: `{{{{ title }}}}` stands for the title, `{{% if files \
             %}}` and `{{% for file in files %}}` for conditions and repetitions. `{{% include \
             \"rules\" %}}` takes in a part that templates share ({}), or, by its name, a template \
             as the program brings it along.",
            parts().join(", ")
        ),
        "A replacement should keep the parts that say how to answer: `report` for work, `verdict` \
         for reviews, and the seven headings of a plan. What is answered otherwise is not \
         understood."
            .to_owned(),
    ];
    let templates = Template::ALL.map(|template| {
        let text = format!("For {}.{}", template.meaning(), known(template));
        entry("B", template.name(), &text)
    });
    let meanings: String =
        MEANINGS.iter().map(|(name, meaning)| entry("B", name, &format!("{meaning}."))).collect();
    format!(
        ".SH PROMPTS\n{}\n.PP\nThe templates, and what some know beside {}:\n{}.PP\nThe \
         variables:\n{meanings}",
        paragraphs.map(|text| roff(&text)).join("\n.PP\n"),
        roff(&variables(Template::Implement).join(", ")),
        templates.concat(),
    )
}

/// Says which variables a template knows, beside those that all do that are about one task.
fn known(template: Template) -> String {
    let common = variables(Template::Implement);
    let of_it = variables(template);
    let is_about_a_task = common.iter().all(|name| of_it.contains(name));
    let is_told = |name: &str| {
        let is_known = |names: &[String]| names.iter().any(|known| known == name);
        is_known(&of_it) && !(is_about_a_task && is_known(&common))
    };
    let told: Vec<&str> =
        MEANINGS.iter().map(|(name, _)| *name).filter(|name| is_told(name)).collect();
    match (is_about_a_task, told.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!(" It also knows {}.", told.join(", ")),
        (false, _) => format!(" It knows {} alone.", told.join(", ")),
    }
}
