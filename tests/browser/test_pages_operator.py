"""The operator's page in a real browser: both languages, a shop-floor screen and a phone."""

import json
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).parent.parent.parent
SERVE = Path(__file__).parent / "serve.py"
WAIT_S = 20
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
SIZES = {"screen": (1280, 900), "phone": (390, 844)}
WORDS = {
    "en": ("Partial: gate-to-gate energy", "Provisional", "Running", "Emissions now"),
    "zh": ("部分范围: 门到门能耗", "暂定", "生产中", "当前排放"),
}


@contextmanager
def served(*arguments):
    """A server process; gives its address. Ending its input ends it."""
    command = [sys.executable, str(SERVE), *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process, f"127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def browser(need, tmp_path_factory):
    need("chromium", "chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = subprocess.check_output(["which", "chromium"], text=True).strip()
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = subprocess.check_output(["which", "chromedriver"], text=True).strip()
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()


@pytest.fixture(scope="module")
def busy(need):
    need("chromium", "chromedriver")
    with served("busy") as (_, address):
        yield address


def open_page(browser, url, size="screen"):
    """Load a page in a window of that size and wait until its script is in touch with the server."""
    width, height = SIZES[size]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get_log("performance")
    browser.get_log("browser")
    browser.get(url)
    WebDriverWait(browser, WAIT_S).until(lambda b: b.find_elements(By.CSS_SELECTOR, ".top h1"))


def requested(browser):
    """The hosts of everything the page asked for, WebSockets included."""
    hosts = set()
    for line in browser.get_log("performance"):
        message = json.loads(line["message"])["message"]
        url = message["params"].get("request", {}).get("url") or message["params"].get("url", "")
        if message["method"] in {"Network.requestWillBeSent", "Network.webSocketCreated"}:
            hosts.add(urlsplit(url).netloc)
    return hosts


def ticked(browser):
    """Wait until the page has changed by itself."""
    before = browser.find_element(By.CSS_SELECTOR, ".time").text
    WebDriverWait(browser, WAIT_S).until(lambda b: b.find_element(By.CSS_SELECTOR, ".time").text != before)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", WORDS)
def test_the_page(browser, busy, language, size):
    open_page(browser, f"http://{busy}/?lang={language}", size)
    WebDriverWait(browser, WAIT_S).until(lambda b: len(b.find_elements(By.CSS_SELECTOR, ".card canvas")) == 4)
    ticked(browser)
    shown = browser.find_element(By.TAG_NAME, "body").text
    assert [words for words in WORDS[language] if words not in shown] == []
    figures = [figure.text for figure in browser.find_elements(By.CSS_SELECTOR, ".figure b") if figure.is_displayed()]
    assert len(figures) == 4
    assert all(re.fullmatch(r"\d+\.\d", figure) for figure in figures)
    width = browser.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1]
    assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == {"en": "en", "zh": "zh-CN"}[language]
    assert requested(browser) - {""} == {busy}
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_the_chart_grows_by_points(browser, busy):
    open_page(browser, f"http://{busy}/?lang=en")
    last = (
        "const e = document.querySelector('.card .nicegui-echart'); const c = e && getElement(e.id.slice(1))?.chart;"
        "const d = c?.getOption()?.series?.[0]?.data; return d?.length ? d[d.length - 1][0] : 0"
    )
    WebDriverWait(browser, WAIT_S).until(lambda b: b.execute_script(last) > 0)
    first = browser.execute_script(last)
    WebDriverWait(browser, WAIT_S).until(lambda b: b.execute_script(last) > first)


def test_the_language_switch_and_the_explanation(browser, busy):
    open_page(browser, f"http://{busy}/?lang=en")
    browser.find_element(By.ID, "language").click()
    WebDriverWait(browser, WAIT_S).until(lambda b: "一号线" in b.find_element(By.TAG_NAME, "body").text)
    browser.find_element(By.CSS_SELECTOR, ".top nav a").click()
    WebDriverWait(browser, WAIT_S).until(lambda b: b.find_elements(By.CSS_SELECTOR, ".prose dl"))
    assert "扩展不确定度" in browser.find_element(By.CSS_SELECTOR, ".prose").text


def test_before_anything_arrived_the_page_says_so(browser):
    with served("empty") as (_, address):
        open_page(browser, f"http://{address}/?lang=en", "phone")
        WebDriverWait(browser, WAIT_S).until(lambda b: b.find_elements(By.CSS_SELECTOR, ".card .missing"))
        shown = browser.find_element(By.TAG_NAME, "body").text
        assert "Waiting for agent edge-1 to report." in shown
        assert not re.search(r"\b0(\.0+)? (kWh|kgCO)", shown.replace("\N{NO-BREAK SPACE}", " "))


def test_a_password_holds_for_the_live_part_too(browser):
    with served("busy", "operator:secret") as (_, address):
        open_page(browser, f"http://operator:secret@{address}/?lang=en")
        ticked(browser)


def test_a_page_that_lost_the_gateway_says_that_its_figures_have_stopped(browser):
    with served("busy") as (process, address):
        open_page(browser, f"http://{address}/?lang=en")
        ticked(browser)
        assert not browser.find_element(By.CSS_SELECTOR, ".frozen").is_displayed()
        process.kill()
        WebDriverWait(browser, WAIT_S).until(lambda b: b.find_element(By.CSS_SELECTOR, ".frozen").is_displayed())
        assert "these figures have stopped" in browser.find_element(By.CSS_SELECTOR, ".frozen").text
