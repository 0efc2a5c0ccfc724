import "./styles/fonts.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/pages.css";
import { render } from "preact";
import { App } from "./app";
import { startRouter } from "./lib/router";
import { startClock } from "./state/clock";
import { startLive } from "./state/live";
import { startPrefs } from "./state/prefs";
import { startRunning } from "./state/running";

startPrefs();
startRouter();
startClock();
startRunning();
startLive();
render(<App />, document.getElementById("app")!);
