import { describeDependencies } from './dependencies.ts';

describeDependencies('process');
