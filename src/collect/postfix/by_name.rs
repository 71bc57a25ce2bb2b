//! Tables of parameters by their names.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

/// By the name of a parameter. Names are short and looked up by the thousand at each trial of a change; the seed is another one in each run.
pub(crate) type ByName<K, V> = HashMap<K, V, RandomState>;

/// Names of parameters.
pub(crate) type Names<K> = HashSet<K, RandomState>;
