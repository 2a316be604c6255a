import { crashTest } from '../harness/crash-test.ts';
import { loseReplies } from '../scenarios/lose-replies.ts';

crashTest(loseReplies());
