//! t
#[test]
fn t() { let c = config::load(std::path::Path::new("tests/right/r.toml")); match c { Ok(c) => println!("{c:#?}"), Err(e) => { println!("{e}"); panic!() } } 
 std::fs::write("/tmp/cfg-bad.toml", "host = 3\n[uplink]\nmtu=\"1500\"\ndevic = \"x\"\n[[network]]\nname=\"Z\"\nid=0x1000000\n[[network.node]]\nadress=\"1\"\n[port]\nx=1\n[[group]]\na=1\n[manager]\n").unwrap();
 let e = config::load(std::path::Path::new("/tmp/cfg-bad.toml")).unwrap_err(); println!("{e}\n{}", e.report(false)); panic!() }
