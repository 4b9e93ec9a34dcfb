//! Z.AI and its Chinese platform BigModel ("Error codes").

use super::provider::{GENERIC, Provider};
use crate::failure::{
    kind::FailureKind::{Forbidden, ModelGone, Quota, RateLimited, RequestFault, Revoked, Transient, Unauthorized},
    rule::{
        On::{Any, Only},
        Rule,
        Says::{Anything, Code},
    },
};

pub(super) static PROVIDER: Provider = Provider {
    id: "zai",
    aliases: &["z-ai", "z.ai", "glm", "zhipu", "bigmodel"],
    name: "Z.AI / GLM",
    hosts: &["api.z.ai", "bigmodel.cn"],
    base_url: Some("https://api.z.ai/api/paas/v4"),
    key_variables: &["GLM_API_KEY", "ZAI_API_KEY", "Z_AI_API_KEY"],
    base_url_variable: Some("GLM_BASE_URL"),
    rules: &[
        Rule::new(
            Quota,
            Any,
            Code(&["1113", "1304", "1308", "1309", "1310", "1316", "1317", "1318", "1319", "1320", "1321"]),
        ),
        Rule::new(RateLimited, Any, Code(&["1302", "1303", "1305", "1313"])),
        Rule::new(Transient, Any, Code(&["500", "1120", "1200", "1230", "1234", "1312"])),
        Rule::new(Revoked, Any, Code(&["1112", "1121"])),
        Rule::new(Unauthorized, Any, Code(&["1000", "1001", "1002", "1003", "1004", "1100", "1110", "1111"])),
        Rule::new(ModelGone, Any, Code(&["1211", "1221", "1222"])),
        Rule::new(Forbidden, Any, Code(&["1220", "1311"])),
        Rule::new(RequestFault, Any, Code(&["1210", "1212", "1213", "1214", "1215", "1231", "1261", "1300", "1301"])),
        Rule::new(Forbidden, Only(&[434]), Anything),
        Rule::new(RequestFault, Only(&[435]), Anything),
    ],
    // Beijing's time ("Error codes", 1308: seen in answers).
    zone_minutes: 8 * 60,
    ..GENERIC
};
