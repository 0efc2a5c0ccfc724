import { Page } from "../parts/basics";
export function Calendar() { return <Page title="Calendar">{null}</Page>; }
