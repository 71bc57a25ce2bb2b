//! Which names and addresses are this host's: from facts, and what the command line puts in their place, to outbound paths, the
//! host's own names and addresses, and names that nobody chose.
//!
//! Pure and cheap: called once for a check, and again for every trial of a change.

mod addresses;
mod binding;
pub mod generic;
mod names;
mod nat;
mod paths;
mod spoken_of;

pub use addresses::{OwnAddresses, is_own};
pub use generic::Generic;
pub use names::{
    IdentityName, Introduction, Role, helo_name, host_and_own_names, host_or_node_name, identity_names, introduction,
    own_name_setting, own_names,
};
pub use spoken_of::{SpokenOf, Standing, spoken_of};

use crate::facts::{BindFault, Facts, HandedOver, Mta, MtaChoice, NatMap, OutboundPath, Overrides};

/// What follows from facts for mail that leaves this host.
#[derive(Debug)]
pub struct Identity {
    /// Which MTAs are judged.
    pub mtas: MtaChoice,
    /// NAT images, the strongest first.
    pub nat: NatMap,
    /// The outbound paths, numbered by MTA and family.
    pub paths: Vec<OutboundPath>,
    /// Source addresses that the MTAs cannot use.
    pub bind_faults: Vec<BindFault>,
    /// Programs on this host that are given everything.
    pub handed_over: Vec<HandedOver>,
}

/// Works out the identity of a host.
///
/// Facts that hold no senders (an old snapshot's) keep the paths that they came with: `--mta` selects among these, and the NAT map
/// gives their sending addresses anew.
pub fn resolve(facts: &Facts, overrides: &Overrides) -> Identity {
    let mtas = choose(&facts.mtas, overrides.mta);
    let Some(senders) = &facts.senders else { return adjusted(facts, overrides, mtas) };
    let postfix = mtas.live.contains(&Mta::Postfix);
    let proxies = if postfix { facts.proxy_interfaces.as_slice() } else { &[] };
    let nat = nat::nat_map(&overrides.nat, facts.cpanel.as_deref(), proxies, &facts.host);
    let judged = || senders.iter().filter(|sender| mtas.live.contains(&sender.mta));
    let (mut paths, bind_faults) = if mtas.configured.is_empty() {
        (paths::of_host(&facts.host, &nat), Vec::new())
    } else {
        paths::of_senders(judged(), &facts.host, &nat)
    };
    let mut programs = paths::handed_over(judged());
    let instances = facts.postfix.iter().chain(&facts.unjudged.postfix).filter(|_| postfix);
    let piped = instances.flat_map(|instance| &instance.piped);
    programs.extend(piped.map(|service| HandedOver { mta: Mta::Postfix, next_hop: service.clone() }));
    let exim = facts.exim.iter().chain(&facts.unjudged.exim).filter(|_| mtas.live.contains(&Mta::Exim));
    programs.extend(exim.flat_map(|exim| &exim.handed).map(|hop| HandedOver { mta: Mta::Exim, next_hop: hop.clone() }));
    let handed_over = paths::hand_over(programs, &mut paths, &facts.host, &nat);
    Identity { mtas, nat, paths, bind_faults, handed_over }
}

/// Puts the identity into the facts. `given` goes before what the facts hold of an earlier run; the files of MTAs that are not judged are set
/// aside.
pub fn apply(facts: &mut Facts, given: Overrides) {
    facts.overrides = given.before(std::mem::take(&mut facts.overrides));
    let Identity { mtas, nat, paths, bind_faults, handed_over } = resolve(facts, &facts.overrides);
    facts.set_aside_all_but(&mtas.live);
    (facts.mtas, facts.nat, facts.paths, facts.bind_faults) = (mtas, nat, paths, bind_faults);
    facts.handed_over = handed_over;
}

/// The choice that the files gave, or that of `--mta`.
fn choose(found: &MtaChoice, only: Option<Mta>) -> MtaChoice {
    let Some(only) = only else { return found.clone() };
    let (live, how) = match found.configured.contains(&only) {
        true => (vec![only], format!("--mta names {only}")),
        false => (Vec::new(), format!("--mta names {only}, which has no configuration here")),
    };
    MtaChoice { live, how, ..found.clone() }
}

/// The identity that the facts came with, as far as overrides change it.
fn adjusted(facts: &Facts, overrides: &Overrides, mtas: MtaChoice) -> Identity {
    let mut nat = facts.nat.clone();
    let new: Vec<_> = overrides.nat.iter().filter(|entry| !nat.0.contains(entry)).cloned().collect();
    nat.0.retain(|old| !nat::gives_way(old, &overrides.nat, &facts.host));
    nat.0.splice(0..0, new);
    let judged = |mta: Mta| mtas.live.is_empty() && overrides.mta.is_none() || mtas.live.contains(&mta);
    let mut paths = facts.paths.clone();
    paths.retain(|path| path.mta.is_none_or(judged));
    for path in &mut paths {
        path.sending = path.source.as_ref().and_then(|source| nat.sending(source));
    }
    let bind_faults = facts.bind_faults.iter().filter(|fault| judged(fault.mta)).cloned().collect();
    let handed_over = facts.handed_over.iter().filter(|handed| judged(handed.mta)).cloned().collect();
    Identity { mtas, nat, paths, bind_faults, handed_over }
}

#[cfg(test)]
mod tests;
