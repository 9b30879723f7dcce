import { withoutHeaders } from './docker-log.ts';

function piece(text: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = 1;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

test('whatever the pieces that come, the text is whole and without headers', async () => {
  const all = Buffer.concat([piece('one\n'), piece(''), piece('zwö\n'), piece('three')]);
  for (const size of [1, 3, 8, 9, 1_000]) {
    const chunks = Array.from({ length: Math.ceil(all.length / size) }, (_, n) =>
      all.subarray(n * size, (n + 1) * size),
    );
    let text = '';
    for await (const bytes of withoutHeaders(chunks)) text += bytes.toString('latin1');
    expect(Buffer.from(text, 'latin1').toString()).toBe('one\nzwö\nthree');
  }
});
