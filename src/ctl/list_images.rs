//! `list-images`: what there is, as a table or as JSON.

use super::args::Options;
use super::bus::{Client, image_rows};
use super::error::Error;
use super::output::show;
use super::settings::roots;
use crate::report::Reporter;
use crate::store::Image;
use crate::term::{Cell, Column, Table};
use crate::terms::ImageClass;
use crate::world::World;

const COLUMNS: [Column; 11] = [
    Column::new("CLASS", "class"),
    Column::new("NAME", "name"),
    Column::new("TYPE", "type"),
    Column::new("PATH", "path"),
    Column::new("RO", "ro"),
    Column::new("CRTIME", "crtime"),
    Column::new("MTIME", "mtime"),
    Column::new("USAGE", "usage"),
    Column::new("USAGE-EXCLUSIVE", "usage-exclusive").hidden(),
    Column::new("LIMIT", "limit"),
    Column::new("LIMIT-EXCLUSIVE", "limit-exclusive").hidden(),
];

/// Lists the images of one class, or of all.
pub(super) fn list_images(
    world: &World,
    options: &Options,
    (client, reporter): (Option<Client>, &Reporter),
) -> Result<(), Error> {
    let mut table = Table::new(COLUMNS);
    match client {
        Some(mut client) => image_rows(&mut client, options.class)?
            .into_iter()
            .for_each(|row| table.push(row)),
        None => look(options, &mut table, reporter)?,
    }
    show(world, options, reporter, &table, ("images", "No images."))
}

/// Lists what lies here.
fn look(options: &Options, table: &mut Table, reporter: &Reporter) -> Result<(), Error> {
    let roots = roots(options)?;
    let classes = match options.class {
        Some(class) => vec![class],
        // A directory says nothing about what the images in it are for.
        None if options.image_root.is_some() => vec![ImageClass::Machine],
        None => ImageClass::BY_NAME.to_vec(),
    };
    for class in classes {
        let listing = roots.images(class);
        listing
            .images
            .iter()
            .for_each(|image| table.push(row(image)));
        for error in listing.unreadable {
            reporter.warning(format_args!("Not all {class} images are listed: {error}"));
        }
    }
    Ok(())
}

fn row(image: &Image) -> [Cell; 11] {
    let bytes = |size: Option<u64>| size.map_or(Cell::Empty, Cell::Bytes);
    [
        Cell::Text(image.class.to_string()),
        Cell::Text(image.name.to_string()),
        Cell::Text(image.kind.as_str().to_owned()),
        Cell::Path(image.path.to_string_lossy().into_owned()),
        Cell::ReadOnly(image.read_only),
        Cell::Timestamp(image.created_us),
        Cell::Timestamp(image.modified_us),
        bytes(image.usage_bytes),
        bytes(image.usage_exclusive_bytes),
        bytes(image.limit_bytes),
        bytes(image.limit_exclusive_bytes),
    ]
}
