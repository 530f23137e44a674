//! Runs the real command and looks at what comes out.

#[cfg(test)]
mod bulk;
#[cfg(test)]
mod debug;
#[cfg(test)]
mod detect;
#[cfg(test)]
mod files;
mod frames;
#[cfg(test)]
mod hardware;
#[cfg(test)]
mod help;
#[cfg(test)]
mod inputs;
#[cfg(test)]
mod isolate;
#[cfg(test)]
mod keyframes;
#[cfg(test)]
mod probe;
#[cfg(test)]
mod process;
#[cfg(test)]
mod resume;
#[cfg(test)]
mod run;
#[cfg(test)]
mod same;
mod streams;
#[cfg(test)]
mod support;
