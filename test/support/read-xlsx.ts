import { inflateRawSync } from 'node:zlib';

export interface ReadCell {
  /** By what the file says of the cell, not by what its value looks like. */
  type: 'text' | 'number' | 'date' | 'formula';
  value: string | number;
}

export interface ReadSheet {
  name: string;
  /** Rows and columns that stay in sight. */
  frozen: { rows: number; columns: number };
  rows: (ReadCell | undefined)[][];
}

/** The files of a ZIP archive, by name; read from its central directory (APPNOTE 4.3.12). */
export function unzip(archive: Buffer): Map<string, Buffer> {
  const end = archive.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end < 0) throw new Error('no ZIP archive');
  const files = new Map<string, Buffer>();
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    const [method, packed] = [archive.readUInt16LE(at + 10), archive.readUInt32LE(at + 20)];
    const [nameSize, extra, comment] = [28, 30, 32].map((offset) => archive.readUInt16LE(at + offset)) as [
      number,
      number,
      number,
    ];
    const local = archive.readUInt32LE(at + 42);
    const from = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const bytes = archive.subarray(from, from + packed);
    files.set(
      archive.toString('utf8', at + 46, at + 46 + nameSize),
      method === 0 ? bytes : inflateRawSync(bytes),
    );
    at += 46 + nameSize + extra + comment;
  }
  return files;
}

const unescaped = (text: string) =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
const attribute = (tag: string, name: string) => new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];

/** A workbook (ECMA-376 part 1, 18.3) as a spreadsheet would understand it. */
export function readXlsx(archive: Buffer): ReadSheet[] {
  const files = unzip(archive);
  const text = (name: string) => files.get(name)?.toString('utf8') ?? '';
  const strings = [...text('xl/sharedStrings.xml').matchAll(/<si>(.*?)<\/si>/gs)].map(([, item = '']) =>
    [...item.matchAll(/<t[^>]*>(.*?)<\/t>/gs)].map(([, part = '']) => unescaped(part)).join(''),
  );
  const styles = text('xl/styles.xml');
  const formats = new Map(
    [...styles.matchAll(/<numFmt\s[^>]*>/g)].map(([tag]) => [
      attribute(tag, 'numFmtId'),
      unescaped(attribute(tag, 'formatCode') ?? ''),
    ]),
  );
  const [, cellFormats = ''] = /<cellXfs[^>]*>(.*?)<\/cellXfs>/s.exec(styles) ?? [];
  const dated = [...cellFormats.matchAll(/<xf\s[^>]*>/g)].map(([tag]) =>
    /[ymdh]/.test(formats.get(attribute(tag, 'numFmtId')) ?? ''),
  );
  const names = [...text('xl/workbook.xml').matchAll(/<sheet\s[^>]*>/g)].map(([tag]) =>
    unescaped(attribute(tag, 'name') ?? ''),
  );
  return names.map((name, index) => {
    const xml = text(`xl/worksheets/sheet${index + 1}.xml`);
    const [pane = ''] = /<pane\s[^>]*>/.exec(xml) ?? [];
    const still = attribute(pane, 'state') === 'frozen';
    return {
      name,
      frozen: {
        rows: still ? Number(attribute(pane, 'ySplit') ?? 0) : 0,
        columns: still ? Number(attribute(pane, 'xSplit') ?? 0) : 0,
      },
      rows: [...xml.matchAll(/<row\s[^>]*?(?:\/>|>(.*?)<\/row>)/gs)].map(([, row = '']) => {
        const cells: (ReadCell | undefined)[] = [];
        for (const [tag, inside = ''] of row.matchAll(/<c\s[^>]*?(?:\/>|>(.*?)<\/c>)/gs)) {
          const [opening] = /^<c\s[^>]*>/.exec(tag)!;
          const [letters = ''] = /^[A-Z]+/.exec(attribute(opening, 'r') ?? '') ?? [];
          const column = [...letters].reduce((n, letter) => n * 26 + letter.charCodeAt(0) - 64, 0) - 1;
          const [, value] = /<v>(.*?)<\/v>/s.exec(inside) ?? [];
          const [, inline] = /<is>.*?<t[^>]*>(.*?)<\/t>.*?<\/is>/s.exec(inside) ?? [];
          const type = attribute(opening, 't') ?? 'n';
          if (/<f[ >]/.test(inside)) cells[column] = { type: 'formula', value: unescaped(inside) };
          else if (inline !== undefined) cells[column] = { type: 'text', value: unescaped(inline) };
          else if (value === undefined) continue;
          else if (type === 's') cells[column] = { type: 'text', value: strings[Number(value)]! };
          else if (type === 'n')
            cells[column] = dated[Number(attribute(opening, 's') ?? 0)]
              ? { type: 'date', value: instantOf(Number(value)) }
              : { type: 'number', value: Number(value) };
          else cells[column] = { type: 'text', value: unescaped(value) };
        }
        return cells;
      }),
    };
  });
}

/** Days since 30 December 1899 (ECMA-376 part 1, 18.17.4.1). */
function instantOf(serial: number): string {
  return new Date(Date.UTC(1899, 11, 30) + Math.round(serial * 86_400_000)).toISOString();
}
