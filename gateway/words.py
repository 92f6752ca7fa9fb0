"""Every word a page shows, in English and Chinese.

In: a language, a key, values. Out: text. Both languages have the same keys; a test holds them to it. Numbers, units and
names of things are the caller's.
"""

from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_PAIRS: dict[str, tuple[str, str]] = {
    # the page as a whole
    "title": ("Energy and carbon per batch", "批次能耗与碳排放"),
    "other_language": ("中文", "English"),
    "as_of": ("As of {time}", "截至 {time}"),
    "partial": ("Partial: gate-to-gate energy", "部分范围: 门到门能耗"),
    "partial_long": (
        "Electricity alone: materials, process emissions, waste, and gas or steam are not in these figures.",
        "仅含电力: 不含原材料、过程排放、废弃物以及燃气、蒸汽等。",
    ),
    "provisional": ("Provisional", "暂定"),
    "provisional_long": (
        "Shares of utilities change until the accounting period is closed.",
        "公用工程分摊在核算期关闭前会变动。",
    ),
    "trust_link": ("What these states mean", "状态说明"),
    "back": ("Back to the lines", "返回产线"),
    "frozen": (
        "No connection to the gateway: these figures have stopped at the time shown.",
        "与网关的连接已中断: 数据停在所示时间。",
    ),
    # a line's card
    "running": ("Running", "生产中"),
    "idle": ("No batch", "无批次"),
    "unheard_line": ("No data", "无数据"),
    "unheard_line_long": (
        "Agent {agent} has told nothing for a minute.",
        "采集端 {agent} 一分钟内没有数据。",
    ),
    "never_heard": ("Waiting for agent {agent} to report.", "等待采集端 {agent} 上报。"),
    "waiting_first": ("Waiting for the first batch", "等待第一个批次"),
    "waiting_good": ("Waiting for the first good output of this batch", "等待本批次的首个合格产出"),
    "waiting_energy": (
        "Waiting for readings on both sides of the batch's start",
        "等待批次开始前后的读数",
    ),
    "at_once": (
        "Several batches run at once: the statement parts the energy among them",
        "多个批次同时运行: 由报表在批次间分配产线能耗",
    ),
    "other_unit": (
        "Output is in another unit than this product is declared for",
        "产出单位与该产品的申报单位不同",
    ),
    "undeclared": ("This product is not in the site model", "该产品不在工厂模型中"),
    "emissions_now": ("Emissions now", "当前排放"),
    "energy_now": ("Energy now", "当前能耗"),
    "emissions_last": ("Emissions, last good batch", "上一合格批次排放"),
    "energy_last": ("Energy, last good batch", "上一合格批次能耗"),
    "lower": (
        "{percent} % lower than the last good batch of this product: {last}",
        "比该产品上一合格批次低 {percent} %: {last}",
    ),
    "higher": (
        "{percent} % higher than the last good batch of this product: {last}",
        "比该产品上一合格批次高 {percent} %: {last}",
    ),
    "same": ("about the same as the last good batch of this product: {last}", "与该产品上一合格批次基本持平: {last}"),
    "no_last": (
        "no earlier good batch of this product on this line to compare with",
        "本产线没有该产品的合格批次可比",
    ),
    "batch": ("Batch", "批次"),
    "since": ("Since", "开始"),
    "so_far": ("Energy so far", "累计能耗"),
    "so_far_all": ("Energy of all of them so far", "全部批次累计能耗"),
    "between": ("between {lower} and {upper}", "介于 {lower} 与 {upper} 之间"),
    "no_bounds": ("no bounds can be claimed", "无法给出界限"),
    "good_so_far": ("Good output so far", "累计合格产出"),
    "ended": ("Ended", "结束"),
    "with_share": ("with {percent} % allocated from utilities", "含公用工程分摊 {percent} %"),
    "without_share": (
        "line electricity only: no share of utilities is known yet",
        "仅产线电力: 尚无公用工程分摊",
    ),
    "power_chart": ("Power, kW, last {minutes} minutes", "功率 kW, 最近 {minutes} 分钟"),
    "no_power": ("Waiting for power readings", "等待功率读数"),
    "bar_chart": ("Same product, {unit}", "同产品批次, {unit}"),
    "no_value": ("not known", "未知"),
    "pieces": ("{count} pieces", "{count} 件"),
    "per_piece": ("piece", "件"),
    "per_1000_pieces": ("1000 pieces", "1000 件"),
    # tables
    "last_batches": ("Last batches", "最近批次"),
    "line": ("Line", "产线"),
    "product": ("Product", "产品"),
    "duration": ("Duration", "时长"),
    "energy": ("Line energy", "产线能耗"),
    "good": ("Good output", "合格产出"),
    "scrap": ("Scrap", "废品"),
    "emissions_per_unit": ("Emissions", "单位排放"),
    "remark": ("Remark", "备注"),
    "counted": ("complete", "完整"),
    "incomplete": ("incomplete: not counted", "不完整: 不计入"),
    "overlap": ("overlaps another batch: not counted", "与其他批次重叠: 不计入"),
    "no_line": ("line not in the site model: not counted", "产线不在工厂模型中: 不计入"),
    "no_product": ("product not in the site model: not counted", "产品不在工厂模型中: 不计入"),
    "no_energy": ("energy not known: not counted", "能耗未知: 不计入"),
    "shared": ("ran beside others: its part stands in the statement", "与其他批次同时运行: 份额见报表"),
    "no_good": ("good output not known: not counted", "合格产出未知: 不计入"),
    "not_mass": ("output in pieces, product declared by mass: not counted", "产出按件计, 产品按质量申报: 不计入"),
    "not_pieces": ("output by mass, product declared by the piece: not counted", "产出按质量计, 产品按件申报: 不计入"),
    "late": ("late: {remark}", "补报: {remark}"),
    "no_batches": (
        "Waiting for the first batch: nothing has ended since the records begin.",
        "等待第一个批次: 记录开始以来尚无批次结束。",
    ),
    "products": ("Products, {period}", "产品, {period}"),
    "products_note": (
        "Sum of emissions over sum of good output. Electricity factor {factor}: {value} {unit}, reference year {year}.",
        "排放总和除以合格产出总和。电力因子 {factor}: {value} {unit}, 参考年 {year}。",
    ),
    "batches_counted": ("Batches", "批次数"),
    "batches_excluded": ("Not counted", "未计入"),
    "total_energy": ("Energy, total", "总能耗"),
    "of_it_direct": ("Measured directly", "直接计量"),
    "of_it_allocated": ("Allocated by physical key", "按物理量分摊"),
    "energy_per_unit": ("Energy per unit", "单位能耗"),
    "emissions_total": ("Emissions, total", "总排放"),
    "no_product_batch": ("waiting for the first batch", "等待第一个批次"),
    "utilities": ("Utilities, {period}", "公用工程, {period}"),
    "utility": ("Utility", "公用工程"),
    "metered": ("Metered", "计量"),
    "allocated": ("Allocated", "已分摊"),
    "unallocated": ("Not allocated", "未分摊"),
    "volume": ("Volume", "用量"),
    "utility_intensity": ("Energy per m³", "单位能耗"),
    "utility_note": (
        "{utility}: electricity metered since {time}; shared by nominal demand × running time.",
        "{utility}: 自 {time} 起计量; 按额定用量 × 运行时间分摊。",
    ),
    "utility_waiting": ("{utility}: waiting for its meter's readings.", "{utility}: 等待计量表读数。"),
    "utility_broken": (
        "{utility}: not known for this period: {reason}.",
        "{utility}: 本期未知: {reason}。",
    ),
    "lost_batches": (
        "{count} batches of this period are no longer held here: use the export.",
        "本期有 {count} 个批次已不在内存: 请使用导出。",
    ),
    "meters": ("Meters", "电表与仪表"),
    "meter": ("Meter", "仪表"),
    "model": ("Model", "型号"),
    "serial": ("Serial number", "出厂编号"),
    "serial_read": ("read from the meter", "自仪表读取"),
    "serial_declared": ("declared", "人工填写"),
    "state": ("State", "状态"),
    "age": ("Age of data", "数据时效"),
    "power": ("Power", "功率"),
    "no_meters": ("Waiting for an agent's first manifest.", "等待采集端的首个清单。"),
    "seal_good": ("Good", "正常"),
    "seal_stale": ("Stale", "滞后"),
    "seal_lost": ("Lost", "丢失"),
    "seal_unheard": ("Not heard", "未上报"),
    "never": ("never", "从未"),
    "fresh": ("under {seconds} s", "{seconds} 秒内"),
    "agent_line": ("Agent {agent}: {state}; {outbox}.", "采集端 {agent}: {state}; {outbox}。"),
    "agent_online": ("online", "在线"),
    "agent_offline": ("offline, its entries wait with it", "离线, 记录在本地等待"),
    "agent_stopped": ("stopped", "已停止"),
    "agent_unknown": ("not heard", "未上报"),
    "clock_alone": (
        "⚠ Its clock follows no other: set up NTP on its machine.",
        "⚠ 时钟未同步: 请在该机器上配置 NTP。",
    ),
    "clock_ahead": (
        "⚠ Its times are {time} ahead of its machine's clock: tell the energy engineer.",
        "⚠ 其时间比机器时钟快 {time}: 请通知能源工程师。",
    ),
    "outbox": ("{count} entries on their way", "{count} 条记录传送中"),
    "outbox_unknown": ("entries on their way not known", "传送中的记录数未知"),
    "ledger": ("Ledger", "账本"),
    "ledger_size": ("{count} entries; tree root {root}", "{count} 条记录; 树根 {root}"),
    "ledger_empty": ("Waiting for the first entry.", "等待第一条记录。"),
    "receipt_age": ("Last receipt to {agent}: {age} ago", "最近回执 {agent}: {age}前"),
    # what is odd in agents' chains
    "odd_title": ("Odd in agents' chains", "采集端记录链的异常"),
    "odd": ("What", "异常"),
    "odd_entry": ("Entry", "记录"),
    "odd_at": ("Admitted", "收录时间"),
    "odd_answer": ("Who answers for it", "由谁确认"),
    "odd_rollback": ("went back to an earlier entry: restored, or copied", "回到较早的记录之后继续: 恢复备份或被复制"),
    "odd_clone": ("two epochs follow one entry: copied, or restored", "两个时段接在同一条记录之后: 被复制或恢复备份"),
    "odd_gap": ("follows entries that are not in the ledger", "接在账本中没有的记录之后"),
    "odd_fork": ("two different entries for one place", "同一位置有两条不同的记录"),
    "odd_void": ("entries lost for good, as the agent says", "采集端声明已永久丢失的记录"),
    "odd_open": ("nobody yet", "尚无人确认"),
    "odd_none": ("nobody need", "无需确认"),
    "odd_hint": (
        "No archive verifies until somebody answers for it: metertrail gateway acknowledge",
        "在有人确认之前, 任何存档都无法通过核验: metertrail gateway acknowledge",
    ),
    # durations
    "hours_minutes": ("{hours} h {minutes:02d} min", "{hours} 小时 {minutes:02d} 分"),
    "minutes_seconds": ("{minutes} min {seconds:02d} s", "{minutes} 分 {seconds:02d} 秒"),
    "seconds": ("{seconds} s", "{seconds} 秒"),
    "days": ("{days} days", "{days} 天"),
    # periods
    "period_day": ("{year}-{month:02d}-{day:02d} so far", "{year} 年 {month} 月 {day} 日至今"),
    "period_week": ("week from {year}-{month:02d}-{day:02d} so far", "{year} 年 {month} 月 {day} 日起一周至今"),
    "period_month": ("{year}-{month:02d} so far", "{year} 年 {month} 月至今"),
    "period_year": ("{year} so far", "{year} 年至今"),
    # what the states mean
    "trust_title": ("What these states mean", "状态说明"),
    "trust_good": (
        "answered within the last 5 seconds and gave values. Only such readings move the figures.",
        "5 秒内有应答且给出数值。只有这样的读数才会改变数据。",
    ),
    "trust_stale": (
        (
            "the last answer is between 5 and 60 seconds old, or part of it came without a value. Its old value "
            "is not repeated."
        ),
        "最近一次应答在 5 至 60 秒之前, 或部分读数没有数值。旧值不会被重复使用。",
    ),
    "trust_lost": (
        (
            "no answer for a minute, or none with a value. Energy is not lost: the meter goes on counting, and "
            "the count is read again later."
        ),
        "一分钟内没有应答或没有数值。能量不会丢失: 表计继续累计, 稍后重新读取。",
    ),
    "trust_unheard": (
        "the agent has told this page nothing of the meter since the gateway started.",
        "自网关启动以来, 采集端未向本页上报该仪表。",
    ),
    "trust_live": (
        (
            "The figures of the running batch come as live messages, unsigned and for the eye alone. When a batch"
            " ends, its record is computed from sealed raw readings, signed by the agent and kept in the ledger."
        ),
        (
            "生产中批次的数据来自实时消息, 未签名, 仅供查看。"
            "批次结束后, 记录由封存的原始读数计算, 由采集端签名并存入账本。"
        ),
    ),
    "trust_late": (
        (
            "A batch marked late was told by a person or another program after it had ended. The gateway computed its "
            "record from the agent's sealed readings, and signed it itself."
        ),
        "标为补报的批次由人员或其他程序在结束后填报。网关用采集端封存的读数计算其记录, 并由网关签名。",
    ),
    "trust_bounds": (
        (
            "Bounds (between … and …) hold for what the meter's register counted: the readings around each moment"
            " enclose it. ± is the expanded uncertainty (95 %) of true energy: instrument, transformers, "
            "resolution and timing."
        ),
        (
            "界限(介于…与…之间)针对表计寄存器的累计值: 由每一时刻前后的读数夹定。± 为真实电能的扩展不确定度 (95 %): "
            "仪表、互感器、分辨力与定时。"
        ),
    ),
    "trust_partial": (
        (
            "Every figure covers electricity from gate to gate: the line's own meters, and a share of utilities "
            "by a stated physical key. Materials, process emissions and waste are not in it. It is no product "
            "carbon footprint."
        ),
        (
            "所有数据仅覆盖门到门电力: 产线自身电表, 以及按既定物理量分摊的公用工程。"
            "不含原材料、过程排放和废弃物。它不是产品碳足迹。"
        ),
    ),
    "trust_provisional": (
        (
            "Provisional: until the accounting period is closed, shares of utilities follow the period so far and"
            " change with every batch."
        ),
        "暂定: 核算期关闭之前, 公用工程分摊按本期至今计算, 随每个批次变化。",
    ),
    "trust_signature": (
        (
            "A signature proves that the holder of a key stated these words and that they have not changed since "
            "the ledger admitted them. It does not prove that a meter sent them: that rests on seals, "
            "certificates, the incomer's balance and bills."
        ),
        (
            "签名证明密钥持有者作出了这些陈述, 且自账本收录以来未被更改。"
            "它不能证明数据出自表计: 这要靠铅封、证书、进线平衡和账单。"
        ),
    ),
}

WORDS: dict[Language, dict[str, str]] = {
    language: {key: pair[index] for key, pair in _PAIRS.items()} for index, language in enumerate(LANGUAGES)
}


def say(language: Language, key: str, **values: object) -> str:
    """The words for a key, with values put in. Raises KeyError for a key that does not exist."""
    return WORDS[language][key].format(**values)


def choose_language(asked: str | None, accepted: str | None) -> Language:
    """The language of a page: the one asked for in the URL, else the browser's first of ours, else English."""
    for language in LANGUAGES:
        if asked == language:
            return language
    wishes: list[tuple[float, int, str]] = []
    for order, wish in enumerate((accepted or "").split(",")[:20]):
        name, _, rank = wish.partition(";q=")
        try:
            wishes.append((-float(rank or 1), order, name.strip()[:2].lower()))
        except ValueError:
            continue
    return next((known for _, _, name in sorted(wishes) for known in LANGUAGES if name == known), "en")
