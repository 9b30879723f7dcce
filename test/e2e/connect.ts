/** Python that tells whether an address can be reached. */
export function connect(host: string, port: number): string {
  return [
    'import socket',
    'def handler(event):',
    '    try:',
    `        socket.create_connection(("${host}", ${String(port)}), timeout=2).close()`,
    '        return "open"',
    '    except OSError:',
    '        return "closed"',
  ].join('\n');
}
