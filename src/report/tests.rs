//! All formats over one sample.

use super::sample;
use super::*;

#[test]
fn show() {
    for (width, unicode, color) in [(100, false, false), (60, true, false), (120, true, true)] {
        let style = Style { width, unicode, color, verbosity: Verbosity::Normal };
        println!("{}\n=====", render(Format::Human, &sample::report(""), &style));
    }
    println!("{}\n=====", render(Format::Human, &sample::report("\u{1b}"), &Style::plain()));
    println!("{}\n=====", render(Format::Json, &sample::report(""), &Style::plain()));
}
