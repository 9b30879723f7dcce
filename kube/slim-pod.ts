import type { Pod } from './pod.ts';

/** A pod cut down to what a cache's readers ask for: who it is, where it runs, what it may use and how it is. Most of a pod says how to start it. */
export function slimPod(pod: Pod): Pod {
  const { nodeName, containers } = pod.spec;
  return {
    ...pod,
    spec: {
      ...(nodeName === undefined ? {} : { nodeName }),
      containers: containers.map(({ name, image, resources }) => ({
        name,
        image,
        ...(resources === undefined ? {} : { resources }),
      })),
    },
  };
}
