import { watchOomKills } from './oom-kills.ts';

function reader(files: Record<string, string>): (path: string) => string {
  return (path) => {
    const text = files[path];
    if (text === undefined) throw new Error('ENOENT');
    return text;
  };
}

describe('watchOomKills', () => {
  it.each([
    ['version 2', '/sys/fs/cgroup/memory.events', 'low 0\noom 3\noom_kill 2\noom_group_kill 0\n'],
    [
      'version 1',
      '/sys/fs/cgroup/memory/memory.oom_control',
      'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
    ],
  ])('reads the counter of control groups %s', (_, path, text) => {
    expect(watchOomKills(reader({ [path]: text }))()).toBe(2);
  });

  it('is 0 where there is no counter', () => {
    expect(watchOomKills(reader({}))()).toBe(0);
  });
});
