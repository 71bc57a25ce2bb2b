//! What the machine says of its maker: DMI (`/sys/class/dmi/id`) and cloud-init. Local files alone: no metadata service is asked.

use crate::collect::root::Root;
use crate::collect::system::first_line;
use crate::facts::{Fact, Machine};

/// Where the kernel shows what firmware says.
const DMI: &str = "/sys/class/dmi/id";
/// The files that tell a provider and hold no serial number.
const FIELDS: [&str; 4] = ["sys_vendor", "bios_vendor", "product_name", "chassis_asset_tag"];
/// One word: the cloud that cloud-init found itself in at this start.
const CLOUD_ID: &str = "/run/cloud-init/cloud-id";
/// `DataSourceHetzner: DataSourceHetzner`; it outlives the start.
const DATASOURCE: &str = "/var/lib/cloud/instance/datasource";

/// What the files below `root` say. What cannot be read is not known, and no problem: it only helps to word advice.
pub(crate) fn collect(root: &Root) -> Machine {
    let line = |path: &str| root.read(path).ok().and_then(|file| first_line(&file));
    let dmi = FIELDS.iter().filter_map(|field| Some(((*field).to_owned(), line(&format!("{DMI}/{field}"))?)));
    Machine { dmi: dmi.collect(), cloud_id: line(CLOUD_ID).or_else(|| line(DATASOURCE).and_then(datasource)) }
}

/// The cloud of a data source's class name, as `cloud-id` writes it. `Ec2` is left out: other clouds imitate it.
fn datasource(line: Fact<String>) -> Option<Fact<String>> {
    let class = line.value.split(':').next()?.trim().strip_prefix("DataSource")?;
    let name = class.strip_suffix("Local").unwrap_or(class).to_ascii_lowercase();
    (!name.is_empty() && name != "ec2").then(|| line.with(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::testing::folder;

    fn machine(files: &[(&str, &str)]) -> Machine {
        let dir = folder(files);
        collect(&Root::open(dir.path()).unwrap())
    }

    #[test]
    fn firmware_and_cloud_init_are_read_with_their_places() {
        let found = machine(&[
            ("/sys/class/dmi/id/sys_vendor", "Hetzner\n"),
            ("/sys/class/dmi/id/product_serial", "secret\n"),
            ("/sys/class/dmi/id/bios_vendor", "\n"),
            ("/run/cloud-init/cloud-id", "hetzner\n"),
        ]);
        assert_eq!(found.dmi.keys().collect::<Vec<_>>(), ["sys_vendor"], "no serial number, nothing empty");
        let vendor = &found.dmi["sys_vendor"];
        assert_eq!(
            (vendor.value.as_str(), vendor.origin.describe().as_str()),
            ("Hetzner", "/sys/class/dmi/id/sys_vendor:1")
        );
        assert_eq!(found.cloud_id.unwrap().value, "hetzner");
        assert_eq!(machine(&[]), Machine::default());
    }

    #[test]
    fn the_data_source_of_the_last_start_will_do() {
        let of = |text: &str| machine(&[("/var/lib/cloud/instance/datasource", text)]).cloud_id.map(|fact| fact.value);
        assert_eq!(of("DataSourceDigitalOcean: DataSourceDigitalOcean\n").as_deref(), Some("digitalocean"));
        assert_eq!(of("DataSourceGCELocal: DataSourceGCELocal\n").as_deref(), Some("gce"));
        assert_eq!(of("DataSourceEc2Local: DataSourceEc2Local\n"), None, "others imitate it");
        assert_eq!(of("nonsense\n"), None);
    }
}
