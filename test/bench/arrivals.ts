/** When each of a number of clients comes, in milliseconds from the beginning: they come whether or not those before them were served. */
export type Arrivals = readonly number[];

export function burst(count: number): Arrivals {
  return Array.from({ length: count }, () => 0);
}

/** A Poisson process: the times between arrivals are exponential, and independent of each other. */
export function poisson(count: number, perSecond: number, random: () => number): Arrivals {
  let at = 0;
  return Array.from({ length: count }, () => {
    at += (-Math.log(1 - random()) / perSecond) * 1_000;
    return at;
  });
}

/**
 * Waits of up to a second, at random. A kubelet looks once a second whether a container has started (PLEG): what deletes a pod and creates the next one a fixed time later falls into
 * step with it, and measures the same fraction of that second again and again, none in one system and the whole in another.
 */
export function momentsOfAKubelet(): () => number {
  const random = sameRandom();
  return () => random() * 1_000;
}

/** The same for every system, so that each meets the same clients (the minimal standard generator of Park and Miller). */
export function sameRandom(): () => number {
  let state = 42;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}
