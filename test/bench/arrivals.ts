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
